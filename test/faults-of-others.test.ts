// The short form of the faults of others, and of too much at once (docs/faults.md). A file of its own, because a file has five minutes.

import { faultsOfOthers } from './faults/all.ts'
import { shortForms } from './faults/short-forms.ts'

shortForms(faultsOfOthers)
