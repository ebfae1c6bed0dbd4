/** The ways to create a znode, as servers name them. */
import { createModes, opCode } from '@lightkeeper/protocol'
import type { CreateOptions } from '../options.ts'

/** Opcode and flags for a way to create. @throws TypeError for a way that ZooKeeper does not have. */
export function createKind(
  options: Pick<CreateOptions, 'mode' | 'sequential'>,
  operation: string,
): { type: CreateType; flags: number; ttl: bigint } {
  const { mode = 'persistent', sequential = false } = options
  if (mode === 'container' && sequential) {
    throw new TypeError(`${operation}: options.sequential must be false for a container: ZooKeeper has no such znodes`)
  }
  if (typeof mode === 'object') {
    const row = sequential ? createModes.persistentSequentialTtl : createModes.persistentTtl
    return { type: opCode.createTTL, flags: row.flags, ttl: BigInt(mode.ttl) }
  }
  if (mode === 'container') return { type: opCode.createContainer, flags: createModes.container.flags, ttl: 0n }
  const name =
    mode === 'ephemeral'
      ? sequential
        ? 'ephemeralSequential'
        : 'ephemeral'
      : sequential
        ? 'persistentSequential'
        : 'persistent'
  return { type: opCode.create2, flags: createModes[name].flags, ttl: 0n }
}

export type CreateType = typeof opCode.create2 | typeof opCode.createContainer | typeof opCode.createTTL
