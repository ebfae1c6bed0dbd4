/** One setAcl request. */
import { type Acl, opCode, type Reader, type Writer, writeSetACLRequest, type ZnodePath } from '@lightkeeper/protocol'
import type { VersionOptions } from '../options.ts'
import type { Lost } from '../session/request.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'
import { type CallContext, Write } from './call.ts'
import { getAcl, sync } from './reads.ts'
import { type Finding, ignoreMissing } from './recover.ts'
import { verdictOfSetAcl } from './verdict.ts'

export function setAcl(
  context: CallContext,
  path: ZnodePath,
  acl: readonly Acl[],
  options: VersionOptions,
): Promise<ZnodeStat> {
  return context.submit(new SetAcl(context, path, acl, options.version ?? -1), options)
}

class SetAcl extends Write<ZnodeStat> {
  readonly operation = 'setAcl'
  readonly type = opCode.setACL
  declare readonly path: ZnodePath
  readonly #acl: readonly Acl[]
  readonly #version: number

  constructor(context: CallContext, path: ZnodePath, acl: readonly Acl[], version: number) {
    super(context, path, true)
    this.#acl = acl
    this.#version = version
  }

  encode(writer: Writer): void {
    const path = this.context.chroot.toServer(this.path)
    writeSetACLRequest(writer, { path, acl: this.#acl, version: this.#version })
  }

  decode(reader: Reader): ZnodeStat {
    return readZnodeStat(reader)
  }

  protected async look({ seen, limits }: Lost): Promise<Finding<ZnodeStat>> {
    const { context, path } = this
    const found = await Promise.all([sync(context, path, limits), getAcl(context, path, limits)])
      .then(([, each]) => each)
      .catch((error: unknown) => {
        ignoreMissing(error)
        return undefined
      })
    const verdict = verdictOfSetAcl({ acl: this.#acl, version: this.#version, seen }, found)
    return found === undefined ? { verdict } : { verdict, result: () => found.stat }
  }
}
