/** The members of a group, each with an ephemeral znode of its own. */
import type { CallOptions, Client, Data, ZnodePath } from '@lightkeeper/client'
import { acl, oneOf, signal as signalCheck, timeout } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf, signalOption } from '../arguments/options.ts'
import { checkPlaceOrRoot, nodeName } from '../arguments/places.ts'
import { data as dataCheck } from '../arguments/values.ts'
import { namesBelow } from '../common/names-below.ts'
import { below, nameOf } from '../common/paths.ts'
import { type PersistentNode, type PersistentNodeOptions, persistentNode } from '../persistent-node/persistent-node.ts'
import { type GroupLayout, layouts, type Member } from './layout.ts'

/** The options of `group`. */
export interface GroupOptions {
  /** Curator's GroupMember, or kazoo's Party or ShallowParty. Default `curator`. */
  readonly layout?: GroupLayout
}

/** `acl` is only for the member's znode. */
export interface JoinOptions extends Pick<PersistentNodeOptions, 'acl' | 'signal' | 'timeout'> {
  /** Data of this member for the others. Default empty. Not in kazoo's layouts: there the data of a znode is the id. */
  readonly data?: Data
}

/** Members that see each other: each has a znode while it is there. */
export interface Group {
  /** The znode of the group; members are its children. */
  readonly path: ZnodePath
  /**
   * Joins the group. The member stays until it is closed, over any number of sessions. `state` is `taken` while another session has
   * the same id. @throws as `persistentNode`.
   */
  join(id: string, options?: JoinOptions): Promise<PersistentNode>
  /** The members, read now, sorted by id. */
  members(options?: CallOptions): Promise<Member[]>
  /** The members, now and after every change. Delivers nothing while no server is reached. */
  follow(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<readonly Member[], void, void>
}

/** The group whose members are children of `path`. Sends nothing. */
export function group(zk: Client, path: ZnodePath, options: GroupOptions = {}): Group {
  checkPlaceOrRoot(zk, path, 'group')
  const { layout: layoutName = 'curator' } = groupOptions(options, 'group')
  const layout = layouts[layoutName]
  return {
    path,
    async join(given, options) {
      const id = nodeName(given, 'id', 'group.join')
      const { data, ...own } = joinOptions(options, 'group.join')
      if (data !== undefined && !layout.hasData) {
        throw new TypeError(`group.join: options.data cannot be kept: members in the layout ${layoutName} have no data`)
      }
      return persistentNode(zk, below(path, layout.name(id, zk.random)), layout.hasData ? (data ?? '') : id, own)
    },
    async members(options) {
      const own = callOptions(options, 'group.members')
      const names = await namesBelow(zk, path, own)
      const found = await Promise.all(
        names.map(async (name) => {
          const node = await zk.find(below(path, name), own)
          return (node && layout.read(name, node.data)) ?? []
        }),
      )
      return sorted(found.flat())
    },
    follow(options) {
      return follow(signalOption(options, 'group.follow').signal)
    },
  }
  async function* follow(signal: AbortSignal | undefined): AsyncGenerator<readonly Member[], void, void> {
    const found = new Map<ZnodePath, Member>()
    let isComplete = false
    for await (const change of zk.watch(path, { children: true, signal })) {
      if (change.kind === 'stale') isComplete = false
      else if (change.kind === 'ready') isComplete = true
      else {
        const data = change.kind === 'created' || change.kind === 'changed' ? change.value : new Uint8Array(0)
        const member = change.kind === 'deleted' ? undefined : layout.read(nameOf(change.path), data)
        if (member === undefined) found.delete(change.path)
        else found.set(change.path, member)
      }
      if (isComplete) yield sorted([...found.values()])
    }
  }
}

const groupOptions = optionsOf<GroupOptions>({ layout: oneOf('curator', 'kazooParty', 'kazooShallowParty') })
const joinOptions = optionsOf<JoinOptions>({ acl, data: dataCheck, signal: signalCheck, timeout })

function sorted(members: Member[]): Member[] {
  return members.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
