/** One reconfig request: other members for an ensemble. */
import { opCode, type Reader, type Writer, writeReconfigRequest } from '@lightkeeper/protocol'
import type { CallOptions, MemberChange } from '../options.ts'
import type { RequestSpec } from '../session/request.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'
import type { CallContext } from './call.ts'

/** The members of an ensemble, as the server says after a `reconfigure`. */
export interface EnsembleConfiguration {
  /** The lines of the new configuration, as `/zookeeper/config` has them. */
  readonly config: string
  /** The Stat of `/zookeeper/config`. */
  readonly stat: ZnodeStat
}

export function reconfigure(
  context: CallContext,
  { joining, leaving, members, fromVersion = -1n }: MemberChange,
  options: CallOptions,
): Promise<EnsembleConfiguration> {
  const spec: RequestSpec<EnsembleConfiguration> = {
    operation: 'reconfigure',
    type: opCode.reconfig,
    encode(writer: Writer) {
      writeReconfigRequest(writer, {
        joiningServers: joining ?? null,
        leavingServers: leaving ?? null,
        newMembers: members ?? null,
        curConfigId: fromVersion,
      })
    },
    decode(reader: Reader) {
      const config = new TextDecoder().decode(reader.bufferCopy() ?? new Uint8Array(0))
      return { config, stat: readZnodeStat(reader) }
    },
  }
  return context.submit(spec, options)
}
