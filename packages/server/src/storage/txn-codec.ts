/**
 * A transaction as bytes: header, body by type, digest. It is the content of a log record and of a proposal (SerializeUtils.java).
 */
import {
  MalformedFrameError,
  opCode,
  Reader,
  readCheckVersionTxn,
  readCloseSessionTxn,
  readCreateContainerTxn,
  readCreateSessionTxn,
  readCreateTTLTxn,
  readDeleteTxn,
  readErrorTxn,
  readMultiTxn,
  readSetACLTxn,
  readSetDataTxn,
  readTxnHeader,
  type TxnHeader,
  type Writer,
  writeCheckVersionTxn,
  writeCloseSessionTxn,
  writeCreateContainerTxn,
  writeCreateSessionTxn,
  writeCreateTTLTxn,
  writeCreateTxn,
  writeDeleteTxn,
  writeErrorTxn,
  writeSetACLTxn,
  writeSetDataTxn,
  writeTxnHeader,
} from '@lightkeeper/protocol'
import { digestVersion } from '../tree/digest.ts'
import type { CreateNodeTxn, NodeTxn, Txn } from '../tree/txn.ts'

export interface LoggedTxn {
  /** Who asked for it, its zxid, and its time. */
  readonly header: TxnHeader
  /** What it changes. */
  readonly txn: Txn
  /** The digest of the tree after the transaction; undefined where the writer kept none. */
  readonly digest: bigint | undefined
}

const digestBytes = 12

export function writeTxn(writer: Writer, header: TxnHeader, txn: Txn, digest: bigint | undefined): void {
  writeTxnHeader(writer, header)
  if (txn.type === opCode.multi) {
    writer.int(txn.txns.length)
    for (const part of txn.txns) {
      // The body is the same, and servers before 3.9 do not know create2 here (ZOOKEEPER-4026).
      writer.int(part.type === opCode.create2 ? opCode.create : part.type)
      const mark = writer.beginFrame()
      writeBody(writer, part)
      writer.endFrame(mark)
    }
  } else writeBody(writer, txn)
  // Apache logs a failed operation without a digest, and readers would take the bytes after the error number for one.
  if (digest === undefined || txn.type === opCode.error) return
  // The same for a closeSession without a list: readers would take a digest after it for the list.
  if (txn.type === opCode.closeSession && txn.paths2Delete === null) return
  writer.int(digestVersion)
  writer.long(digest)
}

function writeBody(writer: Writer, txn: Exclude<Txn, { type: typeof opCode.multi }>): void {
  switch (txn.type) {
    case opCode.create:
    case opCode.create2:
      return writeCreateTxn(writer, txn)
    case opCode.createContainer:
      return writeCreateContainerTxn(writer, txn)
    case opCode.createTTL:
      return writeCreateTTLTxn(writer, txn)
    case opCode.delete:
    case opCode.deleteContainer:
      return writeDeleteTxn(writer, txn)
    case opCode.setData:
    case opCode.reconfig:
      return writeSetDataTxn(writer, txn)
    case opCode.setACL:
      return writeSetACLTxn(writer, txn)
    case opCode.check:
      return writeCheckVersionTxn(writer, txn)
    case opCode.error:
      return writeErrorTxn(writer, txn)
    case opCode.createSession:
      return writeCreateSessionTxn(writer, txn)
    case opCode.closeSession:
      if (txn.paths2Delete === null) return
      return writeCloseSessionTxn(writer, { paths2Delete: txn.paths2Delete })
  }
}

/**
 * Reads the payload of one record to its end. Byte arrays are views of it.
 * @throws MalformedFrameError where this version does not know the transaction.
 */
export function readTxn(reader: Reader): LoggedTxn {
  const header = readTxnHeader(reader)
  const { type } = header
  if (type === opCode.multi) {
    const txns = (readMultiTxn(reader).txns ?? []).map(({ type: part, data }): NodeTxn => {
      if (data === null) throw new MalformedFrameError('part of a multi without a body', reader.pos)
      const txn = readBody(new Reader(data), part)
      if (txn.type === opCode.createSession || txn.type === opCode.closeSession || txn.type === opCode.multi) {
        throw new MalformedFrameError(`transaction type ${part} inside a multi`, reader.pos)
      }
      return txn
    })
    return { header, txn: { type, txns }, digest: readDigest(reader) }
  }
  const txn = readBody(reader, type)
  return { header, txn, digest: readDigest(reader) }
}

function readDigest(reader: Reader): bigint | undefined {
  if (reader.remaining < digestBytes) return undefined
  const version = reader.int()
  const digest = reader.long()
  return version === digestVersion ? digest : undefined
}

function readBody(reader: Reader, type: number): Txn {
  switch (type) {
    case opCode.setData: {
      // The most frequent one: copying its fields into another object costs more than reading them.
      const { path, data, version } = readSetDataTxn(reader)
      return { type, path, data, version }
    }
    case opCode.create:
    case opCode.create2:
      return { type, ...readCreateBody(reader) }
    case opCode.createContainer:
      return { type, ...readCreateContainerTxn(reader) }
    case opCode.createTTL:
      return { type, ...readCreateTTLTxn(reader) }
    case opCode.delete:
    case opCode.deleteContainer:
      return { type, ...readDeleteTxn(reader) }
    case opCode.reconfig:
      return { type, ...readSetDataTxn(reader) }
    case opCode.setACL:
      return { type, ...readSetACLTxn(reader) }
    case opCode.check:
      return { type, ...readCheckVersionTxn(reader) }
    case opCode.error:
      return { type, ...readErrorTxn(reader) }
    case opCode.createSession:
      return { type, ...readCreateSessionTxn(reader) }
    case opCode.closeSession:
      if (reader.remaining === 0) return { type, paths2Delete: null }
      return { type, paths2Delete: readCloseSessionTxn(reader).paths2Delete ?? [] }
    default:
      throw new MalformedFrameError(`unknown transaction type ${type}`, reader.pos)
  }
}

/** Before 3.4 a create ended after `ephemeral`; -1 means the parent's cversion plus one. */
function readCreateBody(reader: Reader): Omit<CreateNodeTxn, 'type'> {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, (each) => ({
    perms: each.int(),
    id: { scheme: each.ustring() ?? '', id: each.ustring() ?? '' },
  }))
  const ephemeral = reader.boolean()
  return { path, data, acl, ephemeral, parentCVersion: reader.remaining >= 4 ? reader.int() : -1 }
}
