/** Builds a tree from an image while it is parsed. */
import { type Acl, openAcl } from '@lightkeeper/protocol'
import { DataTree } from '../tree/data-tree.ts'
import { type ImageSink, openAclId } from './image.ts'

/** Every request with an empty scheme is refused. */
const missingScheme = ''

/** Replaces a missing list. No list of a client can be equal to it: it has no scheme. */
function missingAcl(aclId: bigint): readonly Acl[] {
  return [{ perms: 0, id: { scheme: missingScheme, id: String(aclId) } }]
}

export function isMissingAcl(acl: readonly Acl[]): boolean {
  return acl[0]?.id.scheme === missingScheme
}

export class ImageTree implements ImageSink {
  readonly tree = new DataTree()
  /**
   * Znodes whose ACL list is not in the table, by path, with its number there. Apache writes the table first and the znodes later,
   * so the list of a later transaction may be missing; the log has it. Until then no client passes such a list.
   */
  readonly missingAcls = new Map<string, bigint>()
  readonly #lists = new Map<bigint, readonly Acl[]>()
  #hasRoot = false

  /** An image without a root is not valid. */
  get hasRoot(): boolean {
    return this.#hasRoot
  }

  session(id: bigint, timeoutMs: number): void {
    this.tree.sessions.set(id, timeoutMs)
  }

  aclList(id: bigint, list: readonly Acl[]): void {
    this.#lists.set(id, list)
  }

  znode(path: string, data: Uint8Array | null, aclId: bigint, stat: Uint8Array): string | undefined {
    if (!this.#hasRoot) {
      if (path !== '') return 'stands in front of the root'
      this.#hasRoot = true
    }
    let acl = aclId === openAclId ? openAcl : this.#lists.get(aclId)
    if (acl === undefined) {
      acl = missingAcl(aclId)
      this.missingAcls.set(path === '' ? '/' : path, aclId)
    }
    return this.tree.load(path, data, acl, stat)
  }
}
