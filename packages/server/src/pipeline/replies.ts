/** How replies look on the wire. */
import { type MultiResult, opCode, type Writer, writeMultiResponse } from '@lightkeeper/protocol'
import type { Znode } from '../tree/znode.ts'
import { writeNodeStat } from '../tree/znode.ts'
import type { Caller, Proposal } from './caller.ts'

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

/** A reply that is a header alone. */
export function replyHeader(caller: Caller, xid: number, zxid: bigint, err: number): void {
  endReply(caller, beginReply(caller.writer, xid, zxid, err))
}

/** The reply to a write that was applied; `result` is what applying it returned. */
export function replyToWrite(caller: Caller, proposal: Proposal, result: Znode | MultiResult[] | undefined): void {
  const { header, txn } = proposal
  const { writer } = caller
  if (txn.type === opCode.error) {
    replyHeader(caller, header.cxid, header.zxid, txn.err)
    return
  }
  const mark = beginReply(writer, header.cxid, header.zxid, 0)
  switch (txn.type) {
    case opCode.create:
      writer.ustring(txn.path)
      break
    case opCode.create2:
    case opCode.createContainer:
    case opCode.createTTL:
      // Op 1 is answered with a path alone, whatever kind of create it became.
      writer.ustring(txn.path)
      if (proposal.type !== opCode.create) writeNodeStat(writer, result as Znode)
      break
    case opCode.setData:
    case opCode.setACL:
      writeNodeStat(writer, result as Znode)
      break
    case opCode.multi:
      writeMultiResponse(writer, result as MultiResult[])
      break
  }
  endReply(caller, mark)
}
