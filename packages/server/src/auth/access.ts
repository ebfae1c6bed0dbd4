/** May this caller do that, and what becomes of the ACL a caller gives (ZooKeeperServer.java: checkACL, fixupACL). */
import type { Acl, Id } from '@lightkeeper/protocol'
import { openAcl, permission } from '@lightkeeper/protocol'
import type { AuthProvider } from './providers.ts'

export class Access {
  readonly providers: ReadonlyMap<string, AuthProvider>
  readonly #skipAcl: boolean

  constructor(providers: ReadonlyMap<string, AuthProvider>, skipAcl: boolean) {
    this.providers = providers
    this.#skipAcl = skipAcl
  }

  /** `wanted` is a set of permission bits of which one suffices. */
  allows(acl: readonly Acl[], wanted: number, identities: readonly Id[]): boolean {
    if (acl === openAcl || this.#skipAcl || acl.length === 0) return true
    for (const id of identities) if (id.scheme === 'super') return true
    for (const { perms, id } of acl) {
      if ((perms & wanted) === 0) continue
      if (id.scheme === 'world' && id.id === 'anyone') return true
      const provider = this.providers.get(id.scheme)
      if (provider === undefined) continue
      for (const own of identities) if (own.scheme === id.scheme && provider.matches(own.id, id.id)) return true
    }
    return false
  }

  /**
   * The list to store for the list a caller gave: duplicates removed, `auth` entries replaced by the caller's own ids.
   * Undefined when it is not valid.
   */
  fixUp(given: readonly Acl[], identities: readonly Id[]): readonly Acl[] | undefined {
    if (isOpenList(given)) return openAcl
    if (given.length === 0) return undefined
    const fixed: Acl[] = []
    for (const entry of given) {
      const { scheme, id } = entry.id
      if (scheme === 'world') {
        if (id !== 'anyone') return undefined
        add(fixed, entry)
      } else if (scheme === 'auth') {
        let found = false
        for (const own of identities) {
          if (this.providers.get(own.scheme)?.isAuthenticated !== true) continue
          found = true
          add(fixed, { perms: entry.perms, id: own })
        }
        if (!found) return undefined
      } else {
        if (this.providers.get(scheme)?.isValid(id) !== true) return undefined
        add(fixed, entry)
      }
    }
    return fixed
  }

  /** What a caller without ADMIN sees of an ACL: digests cut off. */
  redact(acl: readonly Acl[]): readonly Acl[] {
    return acl.map((entry) =>
      entry.id.scheme === 'digest'
        ? { perms: entry.perms, id: { scheme: 'digest', id: entry.id.id.replace(/:.*/, ':x') } }
        : entry,
    )
  }
}

function isOpenList(list: readonly Acl[]): boolean {
  const only = list[0]
  return list.length === 1 && only?.perms === permission.all && only.id.scheme === 'world' && only.id.id === 'anyone'
}

function add(list: Acl[], entry: Acl): void {
  const twin = list.some(
    ({ perms, id }) => perms === entry.perms && id.scheme === entry.id.scheme && id.id === entry.id.id,
  )
  if (!twin) list.push(entry)
}
