/** Any packet as one line of text: for traces, shells and test failures. It never throws, whatever the bytes are. */
import { recordCodecs } from './codecs.gen.ts'
import { keeperCodeOf } from './keeper-error.ts'
import { readMultiRequest, readMultiResponse } from './multi.ts'
import { type Operation, operations } from './operations.gen.ts'
import { Reader } from './reader.ts'
import { formatHex } from './zxid.ts'

const operationByCode = new Map<number, Operation>(operations.map((operation) => [operation.code, operation]))

/** The row of the opcode table; undefined for a number that is not assigned. */
export function operationOf(code: number): Operation | undefined {
  return operationByCode.get(code)
}

/** `frame` without its length: `#7 getData {"path":"/a","watch":false}`. */
export function describeRequest(frame: Uint8Array): string {
  return tolerant(frame, (reader) => {
    const xid = reader.int()
    const code = reader.int()
    const operation = operationByCode.get(code)
    return `#${xid} ${operation?.name ?? `opcode ${code}`}${body(reader, operation?.request ?? null)}`
  })
}

/** `frame` without its length; `code` is the opcode of the request it answers, which the frame does not say. */
export function describeReply(frame: Uint8Array, code: number | undefined): string {
  return tolerant(frame, (reader) => {
    const xid = reader.int()
    const zxid = reader.long()
    const err = reader.int()
    if (xid === -1) return `event zxid ${formatHex(zxid)}${body(reader, 'WatcherEvent')}`
    const status = err === 0 ? 'ok' : (keeperCodeOf(err) ?? `error ${err}`)
    const operation = code === undefined ? undefined : operationByCode.get(code)
    return `#${xid} ${operation?.name ?? 'reply'} ${status} zxid ${formatHex(zxid)}${err === 0 ? body(reader, operation?.response ?? null) : ''}`
  })
}

function tolerant(frame: Uint8Array, describe: (reader: Reader) => string): string {
  try {
    return describe(new Reader(frame))
  } catch (error) {
    return `malformed frame of ${frame.length} bytes: ${(error as Error).message}`
  }
}

function body(reader: Reader, record: string | null): string {
  if (record === null) return ''
  if (record === 'MultiRequest') return ` ${text(readMultiRequest(reader))}`
  if (record === 'MultiResponse') return ` ${text(readMultiResponse(reader))}`
  return ` ${text(recordCodecs[record as keyof typeof recordCodecs].read(reader))}`
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return formatHex(item)
    if (item instanceof Uint8Array) return item.length > 64 ? `<${item.length} bytes>` : decodeLatin(item)
    return item
  })
}

function decodeLatin(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += String.fromCharCode(byte)
  return out
}
