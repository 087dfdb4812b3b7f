/**
 * What columns of address books are called: Outlook (English, German, French), Google Contacts (old and new), GoDaddy Workspace,
 * Thunderbird, Yahoo, Apple's converters. A name is compared without case, accents, punctuation and blanks.
 */
import { columnKey } from '../../mail/sheet/sheet.ts'
import type { Kind, PhoneKind } from './contact.ts'

const texts = [
  'prefix',
  'given',
  'middle',
  'family',
  'suffix',
  'displayName',
  'nickname',
  'company',
  'department',
  'title',
  'birthday',
  'anniversary',
  'notes',
] as const
const parts = ['street', 'city', 'region', 'postalCode', 'country', 'poBox'] as const

/** Where a cell goes. */
export type Slot =
  | { readonly to: (typeof texts)[number] }
  | { readonly to: 'categories' | 'url' }
  | { readonly to: 'email'; readonly kind: Kind }
  | { readonly to: 'phone'; readonly kind: PhoneKind }
  | { readonly to: 'address'; readonly kind: Kind; readonly part: (typeof parts)[number] }
  /** Google's pairs: the label stands in a column of its own, before the value. */
  | {
      readonly to: 'labelled'
      readonly what: 'email' | 'phone' | 'url' | 'address'
      readonly number: number
      readonly part: string
    }

const kinds: readonly Kind[] = ['work', 'home', 'other']
const phoneKinds: readonly PhoneKind[] = [...kinds, 'mobile', 'fax', 'homeFax', 'pager', 'main']

/** Names that can be given for a column by hand, such as `email.home` or `address.work.city`. */
export const fieldNames: readonly string[] = [
  ...texts,
  'categories',
  'url',
  ...kinds.map((kind) => `email.${kind}`),
  ...phoneKinds.map((kind) => `phone.${kind}`),
  ...kinds.flatMap((kind) => parts.map((part) => `address.${kind}.${part}`)),
]

export function slotNamed(name: string): Slot | undefined {
  if (!fieldNames.includes(name)) return undefined
  const [to, kind, part] = name.split('.')
  if (to === 'email') return { to, kind: kinds.find((one) => one === kind) ?? 'other' }
  if (to === 'phone') return { to, kind: phoneKinds.find((one) => one === kind) ?? 'other' }
  if (to === 'categories' || to === 'url') return { to }
  const text = texts.find((one) => one === to)
  if (text !== undefined) return { to: text }
  const found = parts.find((one) => one === part)
  return found === undefined
    ? undefined
    : { to: 'address', kind: kinds.find((one) => one === kind) ?? 'other', part: found }
}

export function slotName(slot: Slot): string {
  if (slot.to === 'labelled') return `${slot.what} ${slot.number}, ${slot.part}`
  if (slot.to === 'address') return `address.${slot.kind}.${slot.part}`
  return slot.to === 'email' || slot.to === 'phone' ? `${slot.to}.${slot.kind}` : slot.to
}

/** What a column is, by the name that it has. */
export function slotOf(header: string): Slot | undefined {
  const key = columnKey(header)
  const found = known.get(key) ?? numbered(key)
  return typeof found === 'string' ? slotNamed(found) : found
}

/** By field: every name that we have seen for it, as `columnKey` writes it. */
const names: Readonly<Record<string, string>> = {
  prefix: 'title prefix nameprefix honorificprefix anrede titel titre',
  given: 'firstname givenname given vorname prenom forename nombre',
  middle: 'middlename additionalname secondname weiterevornamen weiterervorname deuxiemeprenom',
  family: 'lastname familyname surname family nachname nom familienname nomdefamille apellidos',
  suffix: 'suffix namesuffix honorificsuffix suffixname suffixe',
  displayName:
    'name displayname fullname fullnamewithoutprefix anzeigename fileas contactname emaildisplayname nomcomplet speichernunter',
  nickname: 'nickname alias spitzname surnom',
  company:
    'company organization organisation organizationname organization1name companyname firma societe empresa employer',
  department: 'department organizationdepartment organization1department abteilung service',
  title: 'jobtitle organizationtitle organization1title position funktion berufsbezeichnung beruf fonction role',
  birthday: 'birthday birthdate dateofbirth geburtstag geburtsdatum anniversaire datedenaissance',
  anniversary: 'anniversary jahrestag',
  notes: 'notes note comments comment notizen bemerkungen anmerkungen remarques',
  categories: 'categories category labels groupmembership kategorien gruppen groups categories',
  url: 'webpage website web url homepage businesswebpage personalwebpage webseite website1 page pageweb website1value',
  'email.work':
    'email emailaddress emailaddress1 mail primaryemail businessemail workemail emailadresse email1address email1 emailprofessionnel adressedemessagerie adresseelectronique mailadresse',
  'email.home': 'homeemail personalemail privateemail emailprivat',
  'email.other':
    'email2address email3address emailaddress2 emailaddress3 emailadresse2 emailadresse3 secondaryemail email2 email3 email4 otheremail alternateemail email4address email2adresse email3adresse weitereemail emailaddress4 adressedemessagerie2 adressedemessagerie3',
  'phone.work':
    'businessphone businessphone2 workphone officephone phonework telefongeschaftlich telefongeschaftlich2 telefonfirma telephonebureau telephonebureau2 worknumber phonebusiness',
  'phone.home':
    'homephone homephone2 personalphone phonehome telefonprivat telefonprivat2 telephonedomicile telephonedomicile2',
  'phone.mobile':
    'mobile mobilephone cell cellphone cellular mobilenumber mobiltelefon handy telmobile telephonemobile phonemobile',
  'phone.fax': 'businessfax workfax fax faxnumber faxgeschaftlich telecopiebureau faxwork',
  'phone.homeFax': 'homefax faxprivat telecopiedomicile faxhome',
  'phone.pager': 'pager pagernumber recepteurderadiomessagerie',
  'phone.main': 'companymainphone primaryphone hauptnummer telefonzentrale telephonesociete',
  'phone.other':
    'phone phonenumber telephone otherphone carphone assistantsphone otherfax radiophone callback telefon weiterestelefon autretelephone',
  'address.work.street':
    'businessstreet workaddress businessaddress workstreet strassegeschaftlich ruebureau businessstreet2 businessstreet3 workaddress2 strassegeschaftlich2 strassegeschaftlich3',
  'address.work.city': 'businesscity workcity ortgeschaftlich villebureau',
  'address.work.region':
    'businessstate workstate regiongeschaftlich bundeslandkantongeschaftlich departementregionbureau',
  'address.work.postalCode':
    'businesspostalcode workzipcode workzip businesszip postleitzahlgeschaftlich codepostalbureau',
  'address.work.country':
    'businesscountryregion businesscountry workcountry landregiongeschaftlich landgeschaftlich paysregionbureau',
  'address.work.poBox': 'businessaddresspobox',
  'address.home.street':
    'homestreet homeaddress homestreet2 homestreet3 homeaddress2 strasseprivat strasseprivat2 strasseprivat3 ruedomicile address street strasse',
  'address.home.city': 'homecity ortprivat villedomicile city ort town',
  'address.home.region':
    'homestate regionprivat bundeslandkantonprivat state province bundesland departementregiondomicile',
  'address.home.postalCode':
    'homepostalcode homezipcode homezip postleitzahlprivat codepostaldomicile zip zipcode postalcode postcode plz',
  'address.home.country':
    'homecountryregion homecountry landregionprivat landprivat paysregiondomicile country countryregion land',
  'address.home.poBox': 'homeaddresspobox pobox',
  'address.other.street': 'otherstreet otherstreet2 otherstreet3 otheraddress weiterestrasse',
  'address.other.city': 'othercity weitererort',
  'address.other.region': 'otherstate weitererregion',
  'address.other.postalCode': 'otherpostalcode otherzip weiterepostleitzahl',
  'address.other.country': 'othercountryregion othercountry',
  'address.other.poBox': 'otheraddresspobox',
}

const known: ReadonlyMap<string, string> = new Map(
  Object.entries(names).flatMap(([field, list]) => list.split(' ').map((name) => [name, field] as const)),
)

const labelled: Readonly<Record<string, 'email' | 'phone' | 'url' | 'address'>> = {
  email: 'email',
  phone: 'phone',
  website: 'url',
  address: 'address',
}

/** `E-mail 1 - Value`, `Address 2 - City`. */
function numbered(key: string): Slot | undefined {
  const match =
    /^(email|phone|website|address)([1-9])(label|type|value|street|city|region|postalcode|country|pobox)$/.exec(key)
  const what = labelled[match?.[1] ?? '']
  return what === undefined ? undefined : { to: 'labelled', what, number: Number(match?.[2]), part: match?.[3] ?? '' }
}
