/** What secrets of a project are called. */

/** Parts of letters, digits, dots, hyphens and underscores, with a slash between them: `contoso`, `dkim/shared.example/cw1`. */
export const secretName = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/

/** The longest domain and the longest selector have room. */
export const longestName = 400

export const isSecretName = (name: string): boolean => name.length <= longestName && secretName.test(name)

/** `vault:NAME` in the place of a file; undefined for a file. */
export const secretNamed = (place: string): string | undefined => /^vault:(.*)$/.exec(place)?.[1]
