/** Who may take and restore snapshots by HTTP: the schemes are those of clients, and so is the budget of failures. */
import { openAcl } from '@lightkeeper/protocol'
import type { Access } from '../auth/access.ts'
import type { Authentication } from '../auth/authentication.ts'
import type { TransferAccess } from './transfer.ts'

export function transferAccess(access: Access, authentication: Authentication): TransferAccess {
  return {
    isBarred: (remoteHost) => authentication.isBarred(remoteHost),
    identitiesOf: (scheme, credential, remoteHost) => authentication.identitiesOf(scheme, credential, { remoteHost }),
    failed: (remoteHost) => authentication.failed(remoteHost),
    allows: ({ tree }, bit, identities) => access.allows(tree.get('/')?.acl ?? openAcl, bit, identities),
  }
}
