/** Znode paths: which are valid, and how to split them. The rules and their order are those of PathUtils.java. */

/** A path, as far as the compiler can check it: absolute. */
export type ZnodePath = `/${string}`

/**
 * Says why `path` is not valid; undefined when it is valid. `sequential` allows a trailing slash, since the server appends the
 * counter before it checks.
 */
export function pathProblem(path: string, sequential = false): string | undefined {
  const full = sequential ? `${path}1` : path
  if (full.length === 0) return 'a path must not be empty'
  if (full.charCodeAt(0) !== slash) return 'a path must start with /'
  if (full.length === 1) return undefined
  if (full.charCodeAt(full.length - 1) === slash) return 'a path must not end with /'
  if (full.length > longFrom && !suspicious.test(full)) return undefined
  let start = 1
  for (let i = 1; i <= full.length; i++) {
    const unit = i === full.length ? slash : full.charCodeAt(i)
    if (unit === slash) {
      const length = i - start
      if (length === 0) return `empty name at character ${i}`
      if (length === 1 && full.charCodeAt(start) === dot) return `relative name "." at character ${start}`
      if (length === 2 && full.charCodeAt(start) === dot && full.charCodeAt(start + 1) === dot) {
        return `relative name ".." at character ${start}`
      }
      start = i + 1
    } else if (isForbidden(unit)) {
      return `character U+${unit.toString(16).toUpperCase().padStart(4, '0')} at ${i} is not allowed`
    }
  }
  return undefined
}

const slash = 0x2f
const dot = 0x2e
/** Longer paths are searched by the host first, which is several times as fast. */
const longFrom = 1024
/** From so many levels on a path is searched backwards. */
const levelsMany = 16
/** Matches every path that has a problem, and some that have none. */
const suspicious = /[^ -~]|\/\/|\/\.\.?(?:\/|$)/

function isForbidden(unit: number): boolean {
  if (unit >= 0x20 && unit < 0x7f) return false
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}

/** Where the last slash of a path is; -1 where there is none. */
export function lastSlash(path: string): number {
  if (path.length <= longFrom) return path.lastIndexOf('/')
  // The host searches forwards fifty times as fast as backwards. Most long paths have few levels.
  let at = path.indexOf('/')
  for (let levels = 0; levels < levelsMany; levels++) {
    const next = path.indexOf('/', at + 1)
    if (next < 0) return at
    at = next
  }
  return path.lastIndexOf('/')
}

/** The parent of `/a/b` is `/a`, that of `/a` is `/`; for any other text it is what comes before the last slash. */
export function parentPath(path: string): ZnodePath {
  const at = lastSlash(path)
  return (at <= 0 ? '/' : path.slice(0, at)) as ZnodePath
}

/** The name after the last slash. */
export function nodeName(path: string): string {
  return path.slice(lastSlash(path) + 1)
}

/** `joinPath('/', 'a')` is `/a`, `joinPath('/a', 'b')` is `/a/b`. */
export function joinPath(parent: string, name: string): ZnodePath {
  return (parent === '/' ? `/${name}` : `${parent}/${name}`) as ZnodePath
}

/** Whether `path` is `ancestor` or lies below it, by whole names: `/apple` is not below `/app`. */
export function isWithin(path: string, ancestor: string): boolean {
  if (ancestor === '/' || path === ancestor) return true
  return path.length > ancestor.length && path.charCodeAt(ancestor.length) === slash && path.startsWith(ancestor)
}

/** The ten digits a sequential create appends; negative counters, which exist, keep their sign in front. */
export function sequenceSuffix(counter: number): string {
  const digits = String(Math.abs(counter))
  return counter < 0 ? `-${digits.padStart(9, '0')}` : digits.padStart(10, '0')
}

const sequencePattern = /-?(\d{9,})$/

/**
 * The number that a sequential create appended to `name`, undefined where there is none. A dash before ten digits is a sign only
 * behind another dash: `lock-0000000001` is 1, `lock--2147483648` is negative; nine digits are always negative.
 */
export function sequenceOf(name: string): number | undefined {
  if (typeof name !== 'string') throw new TypeError('sequenceOf: name must be a string')
  const match = sequencePattern.exec(name)
  if (match === null) return undefined
  const digits = match[1] as string
  const signed = match[0].length > digits.length
  if (digits.length === 9) return signed ? -Number(digits) : undefined
  return signed && name.charCodeAt(match.index - 1) === 0x2d ? -Number(digits) : Number(digits.slice(-10))
}
