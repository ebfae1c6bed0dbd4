/** Queues of Curator, Apache, kazoo and ours: who has claimed an item, and who waits for one. */
import type { ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import { type Directories, isEphemeral, partyOf } from './directory.ts'
import type { Layout, Structure, StructureKind, Waiter } from './structure.ts'

interface FoundQueue {
  readonly structure: Structure
  readonly parts: readonly string[]
}

interface Form {
  readonly kind: StructureKind
  readonly layout: Layout
  readonly name: RegExp
}

const forms: readonly Form[] = [
  { kind: 'queue', layout: 'curator', name: /^queue-(?:-\d{9,10}|\d{10})$/ },
  { kind: 'priority queue', layout: 'curator', name: /^queue-[01][0-9A-F]{8}(?:-\d{9,10}|\d{10})$/ },
  { kind: 'delay queue', layout: 'curator', name: /^queue-\|[0-9A-F]{8,16}\|(?:-\d{9,10}|\d{10})$/ },
  // DistributedIdQueue.
  { kind: 'queue', layout: 'curator', name: /^queue-\|.+\|(?:-\d{9,10}|\d{10})$/ },
  { kind: 'queue', layout: 'apache', name: /^qn-(?:-\d{9,10}|\d{10})$/ },
  { kind: 'priority queue', layout: 'kazoo', name: /^entry-\d{3}-(?:-\d{9,10}|\d{10})$/ },
]

export function queueAt(directories: Directories, path: ZnodePath): FoundQueue | undefined {
  const isLocking = directories.children(path).some(({ name }) => name === 'entries')
  const items = isLocking ? joinPath(path, 'entries') : path
  const children = directories.children(items).filter((child) => !isEphemeral(child))
  const form = forms.find(({ name, layout }) => {
    return (!isLocking || layout === 'kazoo') && children.some((child) => name.test(child.name))
  })
  if (form === undefined) return undefined
  const claims = isLocking ? joinPath(path, 'taken') : (`${path}-claims` as ZnodePath)
  const claimed = directories.children(claims).filter((child) => isEphemeral(child) && form.name.test(child.name))
  const line = joinPath(claims, 'line')
  return {
    structure: {
      kind: form.kind,
      path,
      layouts: [form.layout],
      holders: claimed.map((child) => ({ ...partyOf(child), item: child.name })),
      waiters: directories
        .children(line)
        .filter(({ name }) => /-waiting-(?:-\d{9,10}|\d{10})$/.test(name))
        .sort((a, b) => Number(a.stat.czxid - b.stat.czxid))
        // Any new item wakes it: it waits for no particular client.
        .map((child): Waiter => ({ ...partyOf(child), behind: [], needs: 'all' })),
      items: children.filter(({ name }) => form.name.test(name)).length,
      notes: [],
    },
    parts: [items, claims, line, joinPath(claims, 'marks')],
  }
}
