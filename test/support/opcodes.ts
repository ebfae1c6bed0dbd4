/** Opcodes by kind. */
import { opCode } from '@lightkeeper/protocol'

/** Requests that write, but for those that open and close sessions. Stories choose from this list by seed: its order must stay. */
export const writeOpcodes: readonly number[] = [
  opCode.create,
  opCode.create2,
  opCode.createContainer,
  opCode.createTTL,
  opCode.delete,
  opCode.setData,
  opCode.setACL,
  opCode.multi,
]
