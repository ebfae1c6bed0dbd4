/** multi and multiRead: the only records that are not a fixed list of fields (MultiOperationRecord.java, MultiResponse.java). */
import { readAclList } from './acl.ts'
import { MalformedFrameError } from './malformed-frame-error.ts'
import { opCode } from './operations.gen.ts'
import type { Reader } from './reader.ts'
import * as records from './records.gen.ts'
import type { Writer } from './writer.ts'

/** One operation of a multi or multiRead request. */
export type MultiOperation =
  | ({
      /** The opcode of the operation, which says which record this is. */
      readonly type: typeof opCode.create | typeof opCode.create2 | typeof opCode.createContainer
    } & records.CreateRequest)
  | ({ readonly type: typeof opCode.createTTL } & records.CreateTTLRequest)
  | ({ readonly type: typeof opCode.delete } & records.DeleteRequest)
  | ({ readonly type: typeof opCode.setData } & records.SetDataRequest)
  | ({ readonly type: typeof opCode.check } & records.CheckVersionRequest)
  | ({ readonly type: typeof opCode.getData | typeof opCode.getChildren } & records.PathWatchRequest)

/** One result; `error` with err 0 means an operation that was rolled back because a later one failed. */
export type MultiResult =
  | ({ readonly type: typeof opCode.create } & records.PathResponse)
  | ({ readonly type: typeof opCode.create2 } & records.Create2Response)
  | { readonly type: typeof opCode.delete | typeof opCode.check }
  | ({ readonly type: typeof opCode.setData } & records.StatResponse)
  | ({ readonly type: typeof opCode.getData } & records.GetDataResponse)
  | ({ readonly type: typeof opCode.getChildren } & records.GetChildrenResponse)
  | ({ readonly type: typeof opCode.error } & records.ErrorResponse)

const endType = -1

export function readMultiRequest(reader: Reader): MultiOperation[] {
  const operations: MultiOperation[] = []
  eachMultiOperation(reader, (operation) => void operations.push(operation))
  return operations
}

/** Visits the operations of a request one after the other, so that thousands of them never exist at the same time. */
export function eachMultiOperation(reader: Reader, visit: (operation: MultiOperation) => void): void {
  for (;;) {
    const at = reader.pos
    const type = reader.int()
    const done = reader.boolean()
    reader.int()
    if (done) return
    visit(readOperation(reader, type, at))
  }
}

/**
 * Whether a request has more than `most` operations, found without creating any of them; false where the bytes cannot be read that
 * far. Does not move `reader`. It is one loop without calls to the reader: the first large multi of a server runs through it before
 * the engine compiles anything, and other requests wait.
 */
export function hasMoreOperations(reader: Reader, most: number): boolean {
  const { bytes, end } = reader
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = reader.pos
  for (let count = 0; count <= most; count++) {
    // The header, and the length of the next path. The end of a request is shorter, and nothing follows it.
    if (end - at < headerLength + 4) return false
    const type = view.getInt32(at)
    if (bytes[at + 4] !== 0) return false
    at += headerLength
    const bufferCount = bufferCounts[type] ?? 0
    if (bufferCount === 0) return false
    for (let i = 0; i < bufferCount; i++) {
      if (end - at < 4) return false
      const length = view.getInt32(at)
      if (length < -1) return false
      at += length === -1 ? 4 : 4 + length
    }
    if (hasAcl(type)) {
      if (end - at < 4) return false
      let entries = view.getInt32(at)
      at += 4
      for (; entries > 0; entries--) {
        // The permissions, then scheme and id.
        at += 4
        for (let i = 0; i < 2; i++) {
          if (end - at < 4) return false
          const length = view.getInt32(at)
          if (length < -1) return false
          at += length === -1 ? 4 : 4 + length
        }
      }
    }
    at += tailLength(type)
    if (at > end) return false
  }
  return true
}

/** Type, done and err in front of each operation, bytes. */
const headerLength = 9

/** By opcode: the path, and the data where the operation has data. */
const bufferCounts: Readonly<Record<number, number>> = {
  [opCode.create]: 2,
  [opCode.create2]: 2,
  [opCode.createContainer]: 2,
  [opCode.createTTL]: 2,
  [opCode.setData]: 2,
  [opCode.delete]: 1,
  [opCode.check]: 1,
  [opCode.getData]: 1,
  [opCode.getChildren]: 1,
}

function hasAcl(type: number): boolean {
  return (
    type === opCode.create || type === opCode.create2 || type === opCode.createContainer || type === opCode.createTTL
  )
}

/** The bytes after paths, data and ACL: flags, a version or "watch", and the TTL of a TTL znode. */
function tailLength(type: number): number {
  if (type === opCode.createTTL) return 12
  return type === opCode.getData || type === opCode.getChildren ? 1 : 4
}

function readOperation(reader: Reader, type: number, at: number): MultiOperation {
  switch (type) {
    case opCode.create:
    case opCode.create2:
    case opCode.createContainer: {
      // Read by hand, as the generated code does, except for the ACL: nearly all operations have the open list.
      const path = reader.ustring() ?? ''
      const data = reader.buffer()
      const acl = readAclList(reader)
      return { type, path, data, acl, flags: reader.int() }
    }
    case opCode.createTTL:
      return { type, ...records.readCreateTTLRequest(reader) }
    case opCode.delete: {
      const { path, version } = records.readDeleteRequest(reader)
      return { type, path, version }
    }
    case opCode.setData: {
      const { path, data, version } = records.readSetDataRequest(reader)
      return { type, path, data, version }
    }
    case opCode.check: {
      const { path, version } = records.readCheckVersionRequest(reader)
      return { type, path, version }
    }
    case opCode.getData:
    case opCode.getChildren: {
      const { path, watch } = records.readPathWatchRequest(reader)
      return { type, path, watch }
    }
    default:
      throw new MalformedFrameError(`operation ${type} cannot be part of a multi`, at)
  }
}

export function writeMultiRequest(writer: Writer, operations: readonly MultiOperation[]): void {
  for (const operation of operations) {
    writeHeader(writer, operation.type, false, -1)
    switch (operation.type) {
      case opCode.create:
      case opCode.create2:
      case opCode.createContainer:
        records.writeCreateRequest(writer, operation)
        break
      case opCode.createTTL:
        records.writeCreateTTLRequest(writer, operation)
        break
      case opCode.delete:
        records.writeDeleteRequest(writer, operation)
        break
      case opCode.setData:
        records.writeSetDataRequest(writer, operation)
        break
      case opCode.check:
        records.writeCheckVersionRequest(writer, operation)
        break
      case opCode.getData:
      case opCode.getChildren:
        records.writePathWatchRequest(writer, operation)
        break
      default:
        throw new TypeError('a multi has no such operation')
    }
  }
  writeHeader(writer, endType, true, -1)
}

export function readMultiResponse(reader: Reader): MultiResult[] {
  const results: MultiResult[] = []
  for (;;) {
    const at = reader.pos
    const type = reader.int()
    const done = reader.boolean()
    reader.int()
    if (done) return results
    results.push(readResult(reader, type, at))
  }
}

function readResult(reader: Reader, type: number, at: number): MultiResult {
  switch (type) {
    case opCode.create:
      return { type, ...records.readPathResponse(reader) }
    case opCode.create2:
      return { type, ...records.readCreate2Response(reader) }
    case opCode.delete:
    case opCode.check:
      return { type }
    case opCode.setData:
      return { type, ...records.readStatResponse(reader) }
    case opCode.getData:
      return { type, ...records.readGetDataResponse(reader) }
    case opCode.getChildren:
      return { type, ...records.readGetChildrenResponse(reader) }
    case opCode.error:
      return { type, ...records.readErrorResponse(reader) }
    default:
      throw new MalformedFrameError(`result of type ${type} cannot be part of a multi`, at)
  }
}

export function writeMultiResponse(writer: Writer, results: readonly MultiResult[]): void {
  for (const result of results) writeMultiResult(writer, result)
  endMultiResponse(writer)
}

/** Opens one result of a response that is written piece by piece; its body follows. */
export function beginMultiResult(writer: Writer, type: number): void {
  writeHeader(writer, type, false, 0)
}

/** The header that ends the list of results. */
export function endMultiResponse(writer: Writer): void {
  writeHeader(writer, endType, true, -1)
}

export function writeMultiResult(writer: Writer, result: MultiResult): void {
  writeHeader(writer, result.type, false, result.type === opCode.error ? result.err : 0)
  switch (result.type) {
    case opCode.create:
      return records.writePathResponse(writer, result)
    case opCode.create2:
      return records.writeCreate2Response(writer, result)
    case opCode.setData:
      return records.writeStatResponse(writer, result)
    case opCode.getData:
      return records.writeGetDataResponse(writer, result)
    case opCode.getChildren:
      return records.writeGetChildrenResponse(writer, result)
    case opCode.error:
      return records.writeErrorResponse(writer, result)
    case opCode.delete:
    case opCode.check:
      return
  }
}

function writeHeader(writer: Writer, type: number, done: boolean, err: number): void {
  writer.int(type)
  writer.boolean(done)
  writer.int(err)
}
