// @ts-check
/** All attacks, in the order of the table. */
import { connections } from './connections.mjs'
import { handshakes } from './handshakes.mjs'
import { identities } from './identities.mjs'
import { readers } from './readers.mjs'
import { requests } from './requests.mjs'
import { sessions } from './sessions.mjs'
import { words } from './words.mjs'

/** @type {readonly import('./kit.mjs').Attack[]} */
export const attacks = [...requests, ...readers, ...connections, ...handshakes, ...identities, ...sessions, ...words]
