/**
 * A subtree as lines of JSON: a header, one line for each znode with parents before their children, and an end that counts the
 * znodes. Data is text where it is UTF-8, else base64. Usual values are left out: an open ACL, a persistent znode.
 */
import type { Acl } from '@lightkeeper/client'
import { formatHex, openAcl, pathProblem } from '@lightkeeper/protocol'
import { byPath, type WholeTree, type WholeZnode, type ZnodeType } from '../compare/compare.ts'

export interface ExportedTree {
  /** The path that was exported. */
  readonly root: string
  /** The last transaction that the file includes. */
  readonly zxid: bigint
  /** The znodes, by their paths below `root`. */
  readonly nodes: WholeTree<ExportedZnode>
}

export interface ExportedZnode extends WholeZnode {
  /** The session of an ephemeral. */
  readonly owner?: bigint
}

const format = 'lightkeeper-export'
const formatVersion = 1

/** The lines of a file, each without a line end. */
export function* exportLines({ root, zxid, nodes }: ExportedTree): Generator<string, undefined> {
  yield JSON.stringify({ format, version: formatVersion, path: root, zxid: formatHex(zxid), znodes: nodes.size })
  for (const path of [...nodes.keys()].sort(byPath)) yield lineOf(path, nodes.get(path) as ExportedZnode)
  yield JSON.stringify({ end: nodes.size })
}

function lineOf(path: string, { data, type, acl, owner }: ExportedZnode): string {
  const text = textOf(data)
  const value = {
    path,
    ...(text === undefined ? { base64: base64Of(data) } : data.length === 0 ? {} : { text }),
    ...(type !== 'persistent' && { type }),
    ...(owner !== undefined && { owner: formatHex(owner) }),
    ...(!isOpen(acl) && { acl: acl.map(({ perms, id }) => ({ perms, scheme: id.scheme, id: id.id })) }),
  }
  // Some programs treat these as line ends.
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

function textOf(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    return undefined
  }
}

function base64Of(data: Uint8Array): string {
  let binary = ''
  for (const byte of data) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function isOpen(acl: readonly Acl[]): boolean {
  const [first] = acl
  return acl.length === 1 && first?.perms === 31 && first.id.scheme === 'world' && first.id.id === 'anyone'
}

/** An error in a file, with its line, counted from 1. */
export class ExportFileError extends Error {
  override readonly name = 'ExportFileError'
  /** The number of the line, from 1. */
  readonly line: number

  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`)
    this.line = line
  }
}

/** @throws ExportFileError where the file has another format, is not complete, or not in order. */
export async function parseExport(lines: AsyncIterable<string> | Iterable<string>): Promise<ExportedTree> {
  let number = 0
  let head: { readonly root: string; readonly zxid: bigint } | undefined
  let isOver = false
  const nodes = new Map<string, ExportedZnode>()
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    if (isOver) throw new ExportFileError(number, 'something stands behind the end')
    const value = objectIn(line, number)
    if (head === undefined) {
      head = headOf(value, number)
      continue
    }
    if ('end' in value) {
      if (value['end'] !== nodes.size) {
        throw new ExportFileError(number, `the end counts ${String(value['end'])} znodes, and there are ${nodes.size}`)
      }
      isOver = true
      continue
    }
    const [path, znode] = znodeOf(value, number)
    if (nodes.has(path)) throw new ExportFileError(number, `${path === '' ? 'the root' : path} stands there twice`)
    if (path !== '' && !nodes.has(path.slice(0, path.lastIndexOf('/')))) {
      throw new ExportFileError(number, `${path} has no parent in front of it`)
    }
    nodes.set(path, znode)
  }
  if (head === undefined) throw new ExportFileError(number, 'the file is empty')
  if (!isOver) throw new ExportFileError(number, 'the file ends before its last line, {"end": …}: it is not whole')
  return { ...head, nodes }
}

type Value = Readonly<Record<string, unknown>>

function objectIn(line: string, number: number): Value {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Value
  } catch {
    // Reported below.
  }
  throw new ExportFileError(number, 'it is not a JSON object')
}

function headOf(value: Value, number: number): { root: string; zxid: bigint } {
  const { format: given, version, path, zxid } = value
  if (given !== format) throw new ExportFileError(number, `the first line must have "format": "${format}"`)
  if (version !== formatVersion) {
    throw new ExportFileError(number, `version ${String(version)} is not known here, ${formatVersion} is`)
  }
  if (typeof path !== 'string' || pathProblem(path) !== undefined)
    throw new ExportFileError(number, '"path" is not a path')
  const isHex = typeof zxid === 'string' && /^0x[0-9a-f]{1,16}$/.test(zxid)
  if (!isHex) throw new ExportFileError(number, '"zxid" is not a zxid')
  return { root: path, zxid: BigInt.asIntN(64, BigInt(zxid)) }
}

const known = new Set(['path', 'text', 'base64', 'type', 'owner', 'acl'])

function znodeOf(value: Value, number: number): [string, ExportedZnode] {
  const { path, text, base64, type, owner, acl } = value
  const fail = (reason: string): never => {
    throw new ExportFileError(number, reason)
  }
  const strange = Object.keys(value).find((key) => !known.has(key))
  if (strange !== undefined) fail(`"${strange}" is not known here`)
  if (typeof path !== 'string' || (path !== '' && pathProblem(path) !== undefined)) return fail('"path" is not a path')
  if (text !== undefined && base64 !== undefined) fail('it has both "text" and "base64"')
  const znode = { data: dataOf(text, base64, fail), type: typeOf(type, fail), acl: aclOf(acl, fail) }
  if (owner === undefined) return [path, znode]
  if (typeof owner !== 'string' || !/^0x[0-9a-f]{1,16}$/.test(owner)) return fail('"owner" is not a session id')
  return [path, { ...znode, owner: BigInt.asIntN(64, BigInt(owner)) }]
}

type Fail = (reason: string) => never

function dataOf(text: unknown, base64: unknown, fail: Fail): Uint8Array {
  if (typeof text === 'string') return new TextEncoder().encode(text)
  if (text !== undefined) return fail('"text" is not text')
  if (base64 === undefined) return new Uint8Array(0)
  try {
    if (typeof base64 === 'string') return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    // Reported below.
  }
  return fail('"base64" is not base64')
}

function typeOf(type: unknown, fail: Fail): ZnodeType {
  if (type === undefined) return 'persistent'
  if (type === 'persistent' || type === 'ephemeral' || type === 'container') return type
  const ttl = typeof type === 'object' && type !== null && 'ttl' in type ? type.ttl : undefined
  if (typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0) return { ttl }
  return fail('"type" is ephemeral, container or {"ttl": milliseconds}')
}

function aclOf(acl: unknown, fail: Fail): readonly Acl[] {
  if (acl === undefined) return openAcl
  if (!Array.isArray(acl) || acl.length === 0) return fail('"acl" is not a list of entries')
  return acl.map((entry: unknown) => {
    const { perms, scheme, id } = (typeof entry === 'object' && entry !== null ? entry : {}) as Value
    if (typeof perms === 'number' && typeof scheme === 'string' && typeof id === 'string') {
      return { perms, id: { scheme, id } }
    }
    return fail('an entry of "acl" needs a number "perms" and the texts "scheme" and "id"')
  })
}
