/** Who may take and restore snapshots by HTTP: the schemes are those of clients, and so is the budget of failures. */
import { openAcl } from '@lightkeeper/protocol'
import type { Access } from '../auth/access.ts'
import type { Authentication } from '../auth/authentication.ts'
import type { Certificate } from '../auth/providers.ts'
import { parseCertificate } from '../tls/certificate.ts'
import { DerError } from '../tls/der.ts'
import type { TransferAccess } from './transfer.ts'

export function transferAccess(access: Access, authentication: Authentication): TransferAccess {
  return {
    isBarred: (remoteHost) => authentication.isBarred(remoteHost),
    identitiesOf: (scheme, credential, { remoteHost, peerCertificate }) =>
      authentication.identitiesOf(scheme, credential, { remoteHost, certificate: certificateOf(peerCertificate) }),
    failed: (remoteHost) => authentication.failed(remoteHost),
    allows: ({ tree }, bit, identities) => access.allows(tree.get('/')?.acl ?? openAcl, bit, identities),
  }
}

/** What was verified when TLS began; one that cannot be read proves nothing. */
function certificateOf(der: Uint8Array | undefined): Certificate | undefined {
  try {
    return der === undefined ? undefined : parseCertificate(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return undefined
  }
}
