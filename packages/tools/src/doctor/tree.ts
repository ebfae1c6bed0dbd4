/** Looks at each znode of a tree once, and says what is wrong with the tree: sizes, numbers of children, ACLs. */
import type { Acl } from '@lightkeeper/client'
import { permission } from '@lightkeeper/client'
import { isWithin, parentPath } from '@lightkeeper/protocol'
import { bytesText, type Finding, someOf } from './finding.ts'

/** What is needed of a znode. */
export interface SurveyedZnode {
  /** The path of the znode. */
  readonly path: string
  /** Bytes of data. */
  readonly dataBytes: number
  /** The number of its children. */
  readonly children: number
  /** Bytes of the names of all children in a reply. */
  readonly childrenBytes: number
  /** Undefined where it may not be read. */
  readonly acl: readonly Acl[] | undefined
}

export interface SurveyOptions {
  /** The largest request and reply, bytes: `jute.maxbuffer`. Default 1048575. */
  readonly frameBytes?: number
  /** The server or directory. */
  readonly where: string
}

/** The share of the limit from which on a znode is named. */
const nearShare = 0.75
const childrenMany = 10_000
const writeBits = permission.create | permission.write | permission.delete | permission.admin

/** Some of many, with the largest kept. */
class Largest {
  readonly #kept: { readonly path: string; readonly size: number }[] = []
  count = 0

  add(path: string, size: number): void {
    this.count++
    this.#kept.push({ path, size })
    this.#kept.sort((a, b) => b.size - a.size)
    this.#kept.length = Math.min(this.#kept.length, 5)
  }

  get first(): string {
    return this.#kept[0]?.path ?? ''
  }

  texts(textOf: (size: number) => string): string[] {
    return this.#kept.map(({ path, size }) => `${path}: ${textOf(size)}`)
  }
}

/** Paths of which a few are named. */
class Named {
  readonly paths: string[] = []
  count = 0

  add(path: string): void {
    if (this.count++ < 5) this.paths.push(path)
  }
}

/** Parents must be added before their children. */
export class TreeSurvey {
  readonly #frameBytes: number
  readonly #where: string
  readonly #large = new Largest()
  readonly #wide = new Largest()
  readonly #open = new Named()
  readonly #openBelow = new Named()
  /** Znodes that not everybody may write. */
  readonly #protected = new Set<string>()
  /** The number of znodes that were added. */
  count = 0

  constructor({ frameBytes = 0xfffff, where }: SurveyOptions) {
    this.#frameBytes = frameBytes
    this.#where = where
  }

  /** Notes a znode. Its parent must have been added before. */
  add({ path, dataBytes, children, childrenBytes, acl }: SurveyedZnode): void {
    this.count++
    const near = this.#frameBytes * nearShare
    if (dataBytes >= near) this.#large.add(path, dataBytes)
    if (childrenBytes >= near || children >= childrenMany) this.#wide.add(path, children)
    if (isWithin(path, '/zookeeper') || acl === undefined) return
    if (!isOpen(acl)) {
      this.#protected.add(path)
      return
    }
    this.#open.add(path)
    const parent = path.slice(0, Math.max(1, path.lastIndexOf('/')))
    if (path !== '/' && this.#protected.has(parent)) this.#openBelow.add(path)
  }

  /** What is the matter with the znodes that were added so far. */
  *findings(): Generator<Finding> {
    const limit = bytesText(this.#frameBytes + 1)
    if (this.#large.count > 0) {
      yield {
        name: 'large-znode',
        severity: 'warning',
        what: `${this.#large.count} znodes come near the limit for one request. Above it clients can neither write nor read them.`,
        where: this.#large.first,
        evidence: [...this.#large.texts(bytesText), `the limit (jute.maxbuffer) is ${limit}`],
        next: `Keep large data elsewhere and a reference in the znode: lightkeeper history ${this.#large.first} --data-dir D shows who writes it`,
      }
    }
    if (this.#wide.count > 0) {
      yield {
        name: 'many-children',
        severity: 'warning',
        what: `${this.#wide.count} znodes have so many children that a list of them is slow, or comes near the limit for one reply.`,
        where: this.#wide.first,
        evidence: [...this.#wide.texts((count) => `${count} children`), `the limit (jute.maxbuffer) is ${limit}`],
        next: `Find out whether something does not clean up behind itself: lightkeeper watch ${this.#wide.first} --children`,
      }
    }
    if (this.#openBelow.count > 0) {
      yield {
        name: 'open-below-protected',
        severity: 'warning',
        what: `${this.#openBelow.count} znodes are open to everybody below a znode that is protected. An ACL does not pass on to children.`,
        where: this.#openBelow.paths[0] ?? '',
        evidence: [someOf(this.#openBelow.paths, this.#openBelow.count)],
        next: `See the ACL of the parent, and give them that or another one that is meant: lightkeeper getAcl ${parentPath(this.#openBelow.paths[0] ?? '/')}, then lightkeeper setAcl ${this.#openBelow.paths[0] ?? ''} ACL -R --dry-run`,
      }
    }
    if (this.#open.count > 0) {
      yield {
        name: 'world-writable',
        severity: 'note',
        what: `Everybody who reaches the server may change ${this.#open.count} of ${this.count} znodes.`,
        where: this.#where,
        evidence: [someOf(this.#open.paths, this.#open.count)],
        next: `Where others reach the port, give clients identities and znodes ACLs: lightkeeper setAcl ${this.#open.paths[0] ?? '/'} ACL -R --dry-run`,
      }
    }
  }
}

function isOpen(acl: readonly Acl[]): boolean {
  return acl.some(({ perms, id }) => id.scheme === 'world' && id.id === 'anyone' && (perms & writeBits) !== 0)
}
