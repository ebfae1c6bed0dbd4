/** One set request. */
import { opCode, type Reader, type Writer, type ZnodePath } from '@lightkeeper/protocol'
import { intact } from '../arguments/data.ts'
import type { VersionOptions } from '../options.ts'
import type { Lost } from '../session/request.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'
import { type CallContext, Write } from './call.ts'
import { findSynced } from './reads.ts'
import type { Finding } from './recover.ts'
import { verdictOfSet } from './verdict.ts'

/** `acceptsEqual`: after a lost reply, the same data at the right version counts as success, whichever client wrote it. */
export function setData(
  context: CallContext,
  path: ZnodePath,
  data: Uint8Array | null,
  options: VersionOptions,
  acceptsEqual: boolean,
): Promise<ZnodeStat> {
  return context.submit(new SetData(context, path, data, options.version ?? -1, acceptsEqual), options)
}

class SetData extends Write<ZnodeStat> {
  readonly operation = 'set'
  readonly type = opCode.setData
  declare readonly path: ZnodePath
  readonly #data: Uint8Array | null
  /** Size of the data when the call was made, bytes. */
  readonly #length: number | undefined
  readonly #version: number

  constructor(context: CallContext, path: ZnodePath, data: Uint8Array | null, version: number, acceptsEqual: boolean) {
    super(context, path, acceptsEqual)
    this.#data = data
    this.#length = data?.length
    this.#version = version
  }

  encode(writer: Writer): void {
    writer.ustring(this.context.chroot.toServer(this.path))
    writer.buffer(intact(this.#data, this.#length))
    writer.int(this.#version)
  }

  decode(reader: Reader): ZnodeStat {
    return readZnodeStat(reader)
  }

  protected async look({ seen, limits }: Lost): Promise<Finding<ZnodeStat>> {
    const found = await findSynced(this.context, this.path, limits)
    const verdict = verdictOfSet({ data: this.#data, version: this.#version, seen }, found)
    return found === undefined ? { verdict } : { verdict, result: () => found.stat }
  }
}
