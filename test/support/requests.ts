/** Bodies of requests that tests write by hand. */
import { openAcl, type Writer, writeCreateRequest } from '@lightkeeper/protocol'

/** Writes the body of a create with the open ACL. */
export function createBody(path: string, flags = 0, data: Uint8Array | null = null): (writer: Writer) => void {
  return (writer) => writeCreateRequest(writer, { path, data, acl: openAcl, flags })
}
