/** Who is there: members of a group, each an ephemeral znode of its own. */
import { type CallOptions, type Client, type Data, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { below } from '../common/paths.ts'
import { type PersistentNode, type PersistentNodeOptions, persistentNode } from '../persistent-node/persistent-node.ts'

export interface Member {
  readonly id: string
  readonly data: Uint8Array
}

export interface JoinOptions extends Pick<PersistentNodeOptions, 'acl' | 'signal'> {
  /** What the others can read of this member. Default empty. */
  readonly data?: Data
}

export interface Group {
  readonly path: ZnodePath
  /**
   * Is a member from when this resolves until it is closed, over any number of sessions. `state` is `taken` while another
   * session has the same id. @throws as `persistentNode`.
   */
  join(id: string, options?: JoinOptions): Promise<PersistentNode>
  /** Those who are there, read now; by id. */
  members(options?: CallOptions): Promise<Member[]>
  /** The members, now and after every change. While disconnected it says nothing, and the last ones stand. */
  follow(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<readonly Member[], void, void>
}

/** Members are children of `path`, named by their ids, as Curator's GroupMember has them. Sends nothing by itself. */
export function group(zk: Client, path: ZnodePath): Group {
  return {
    path,
    async join(id, { data = '', ...options } = {}) {
      if (id === '' || id.includes('/')) throw new TypeError(`no id of a member: '${id}'`)
      return persistentNode(zk, below(path, id), data, options)
    },
    async members(options = {}) {
      const names = await zk.children(path, options).then(
        ({ children }) => children,
        (error: unknown) => {
          if (KeeperError.is(error, 'NO_NODE')) return []
          throw error
        },
      )
      const found = await Promise.all(
        names.map(async (id) => {
          const node = await zk.find(below(path, id), options)
          return node === undefined ? [] : [{ id, data: node.data }]
        }),
      )
      return sorted(found.flat())
    },
    async *follow({ signal } = {}) {
      const found = new Map<string, Member>()
      let isComplete = false
      for await (const change of zk.watch(path, { children: true, signal })) {
        if (change.kind === 'stale') isComplete = false
        else if (change.kind === 'ready') isComplete = true
        else {
          const id = change.path.slice(change.path.lastIndexOf('/') + 1)
          if (change.kind === 'deleted') found.delete(id)
          else found.set(id, { id, data: change.kind === 'unreadable' ? new Uint8Array(0) : change.value })
        }
        if (isComplete) yield sorted([...found.values()])
      }
    },
  }
}

function sorted(members: Member[]): Member[] {
  return members.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
