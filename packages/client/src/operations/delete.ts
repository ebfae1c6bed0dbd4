/** One delete request. delete-below.ts deletes subtrees. */
import { KeeperError, opCode, parentPath, type Reader, type Writer, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions } from '../options.ts'
import type { Lost } from '../session/request.ts'
import { type CallContext, Write } from './call.ts'
import { existsRead, findSynced, readZnode } from './reads.ts'
import type { Finding } from './recover.ts'
import { verdictOfDelete } from './verdict.ts'

/** A version that no znode has: versions begin at 0, and -1 means any. */
const versionOfNone = -2

/** `acceptsEqual`: see `Write`. */
export function deleteOnce(
  context: CallContext,
  path: ZnodePath,
  version: number,
  options: CallOptions,
  acceptsEqual: boolean | undefined,
): Promise<void> {
  return context.submit(new Delete(context, path, version, acceptsEqual), options)
}

/**
 * Checks whether this client may delete a znode, by a delete with a version that no znode has. A server checks the permission
 * first, and deletes nothing in any case. @throws KeeperError NO_AUTH, and every other refusal.
 */
export function tryDelete(context: CallContext, path: ZnodePath, options: CallOptions): Promise<void> {
  const serverPath = context.chroot.toServer(path)
  const encode = (writer: Writer): void => {
    writer.ustring(serverPath)
    writer.int(versionOfNone)
  }
  const spec = { operation: 'delete', type: opCode.delete, path, encode, decode: () => {}, isRepeatable: true }
  return context.submit(spec, options).catch((error: unknown) => {
    if (!KeeperError.is(error, 'BAD_VERSION') && !KeeperError.is(error, 'NO_NODE')) throw error
  })
}

class Delete extends Write<void> {
  readonly operation = 'delete'
  readonly type = opCode.delete
  declare readonly path: ZnodePath
  readonly #version: number

  constructor(context: CallContext, path: ZnodePath, version: number, acceptsEqual: boolean | undefined) {
    super(context, path, acceptsEqual)
    this.#version = version
  }

  encode(writer: Writer): void {
    writer.ustring(this.context.chroot.toServer(this.path))
    writer.int(this.#version)
  }

  decode(_reader: Reader): void {
    this.context.session.ephemerals.delete(this.path)
  }

  protected async look({ seen, limits }: Lost): Promise<Finding<void>> {
    const { context, path } = this
    const found = await findSynced(context, path, limits)
    const parent = await readZnode(context, existsRead, parentPath(path) as ZnodePath, limits)
    return { verdict: verdictOfDelete({ seen }, found, parent), result: () => undefined }
  }
}
