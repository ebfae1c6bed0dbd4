/** Stores equal ACL lists once, however many znodes have them. */
import { type Acl, openAcl } from '@lightkeeper/protocol'
import { TextMap } from '@lightkeeper/runtime'

interface Row {
  readonly key: string
  readonly list: readonly Acl[]
  users: number
}

export class AclTable {
  readonly #rows = new TextMap<Row>()
  /** The same rows by the lists that `acquire` returned. */
  readonly #byList = new Map<readonly Acl[], Row>()

  /** Number of distinct lists in use, the open one not counted. */
  get size(): number {
    return this.#rows.size
  }

  /** Distinct lists in use, the open one left out. */
  *lists(): Iterable<readonly Acl[]> {
    for (const { list } of this.#rows.values()) yield list
  }

  /** The stored list equal to `list`; counts one more user of it. */
  acquire(list: readonly Acl[]): readonly Acl[] {
    if (isOpen(list)) return openAcl
    let row = this.#byList.get(list)
    if (row === undefined) {
      const key = keyOf(list)
      row = this.#rows.get(key)
      if (row === undefined) {
        row = { key, list, users: 0 }
        this.#rows.set(key, row)
        this.#byList.set(list, row)
      }
    }
    row.users++
    return row.list
  }

  /** A list that `acquire` returned has one user less; it is removed with the last user. */
  release(list: readonly Acl[]): void {
    if (list === openAcl) return
    const row = this.#byList.get(list)
    if (row === undefined || --row.users > 0) return
    this.#rows.delete(row.key)
    this.#byList.delete(list)
  }
}

function isOpen(list: readonly Acl[]): boolean {
  if (list === openAcl) return true
  const only = list[0]
  return list.length === 1 && only?.perms === 31 && only.id.scheme === 'world' && only.id.id === 'anyone'
}

/** With the lengths of the texts, since clients choose them: no text makes two lists one. */
function keyOf(list: readonly Acl[]): string {
  return list.map(({ perms, id }) => `${perms},${id.scheme.length},${id.id.length},${id.scheme}${id.id}`).join('')
}
