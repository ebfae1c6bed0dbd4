/** The wire format of replies. */
import { opCode, type Writer, writeMultiResponse } from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'
import { writeNodeStat, Znode } from '../tree/znode.ts'
import type { Applied } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import type { Ticket } from './reply-queue.ts'

/** Opens a reply frame with its header; close it with `endReply`. */
export function beginReply(writer: Writer, xid: number, zxid: bigint, err: number): number {
  const mark = writer.beginFrame()
  writer.int(xid)
  writer.long(zxid)
  writer.int(err)
  return mark
}

export function endReply(caller: Caller, mark: number): void {
  caller.writer.endFrame(mark)
  caller.wrote()
}

/** A reply that consists only of a header. */
export function replyHeader(caller: Caller, xid: number, zxid: bigint, err: number): void {
  endReply(caller, beginReply(caller.writer, xid, zxid, err))
}

/** The reply to an applied write; `result` is what applying it returned. */
export function replyToWrite(ticket: Ticket<Caller>, { header, txn }: Entry, result: Applied): void {
  const { caller } = ticket
  if (txn.type === opCode.error) {
    replyHeader(caller, header.cxid, header.zxid, txn.err)
    return
  }
  const { writer } = caller
  const mark = beginReply(writer, header.cxid, header.zxid, 0)
  switch (txn.type) {
    case opCode.create:
      writer.ustring(txn.path)
      break
    case opCode.create2:
    case opCode.createContainer:
    case opCode.createTTL:
      // Opcode 1 is answered with a path only, whatever kind of create it became.
      writer.ustring(txn.path)
      if (ticket.type !== opCode.create) writeStat(writer, result)
      break
    case opCode.setData:
    case opCode.setACL:
      writeStat(writer, result)
      break
    case opCode.multi:
      assert(Array.isArray(result), 'applying a multi returns the result of each part')
      writeMultiResponse(writer, result)
      break
  }
  endReply(caller, mark)
}

function writeStat(writer: Writer, result: Applied): void {
  assert(result instanceof Znode, 'applying a create or a set returns the znode')
  writeNodeStat(writer, result)
}
