/** One create request. create-call.ts adds parents, marks and idempotence. */
import {
  type Acl,
  opCode,
  openAcl,
  parentPath,
  type Reader,
  type Writer,
  writeCreateRequest,
  type ZnodePath,
} from '@lightkeeper/protocol'
import { intact } from '../arguments/data.ts'
import type { CreateOptions } from '../options.ts'
import type { Lost } from '../session/request.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'
import { type CallContext, Write } from './call.ts'
import { type CreateType, createKind } from './create-kind.ts'
import { existsRead, findSynced, readZnode } from './reads.ts'
import type { Finding } from './recover.ts'
import { verdictOfCreate } from './verdict.ts'

/** The znode that a `create` made. */
export interface CreateResult {
  /** The real path, including the counter of a sequential create. */
  readonly path: ZnodePath
  /** The Stat of the new znode. */
  readonly stat: ZnodeStat
}

/** `isLookedInto`: after a lost reply we look for the znode. That works only where its name is known. */
export function createOnce(
  context: CallContext,
  path: ZnodePath,
  data: Uint8Array | null,
  options: CreateOptions,
  isLookedInto = !options.sequential,
): Promise<CreateResult> {
  const acceptsEqual = isLookedInto ? options.idempotent === true : undefined
  return context.submit(new Create(context, path, data, options, acceptsEqual), options)
}

class Create extends Write<CreateResult> {
  readonly operation = 'create'
  readonly type: CreateType
  declare readonly path: ZnodePath
  readonly #data: Uint8Array | null
  /** Size of the data when the call was made, bytes. */
  readonly #length: number | undefined
  readonly #acl: readonly Acl[]
  readonly #flags: number
  readonly #ttl: bigint
  readonly #isEphemeral: boolean

  constructor(
    context: CallContext,
    path: ZnodePath,
    data: Uint8Array | null,
    options: CreateOptions,
    acceptsEqual: boolean | undefined,
  ) {
    super(context, path, acceptsEqual)
    const { type, flags, ttl } = createKind(options, 'create')
    this.type = type
    this.#flags = flags
    this.#ttl = ttl
    this.#data = data
    this.#length = data?.length
    this.#acl = options.acl ?? openAcl
    this.#isEphemeral = options.mode === 'ephemeral'
  }

  encode(writer: Writer): void {
    const path = this.context.chroot.toServer(this.path)
    const data = intact(this.#data, this.#length)
    writeCreateRequest(writer, { path, data, acl: this.#acl, flags: this.#flags })
    if (this.type === opCode.createTTL) writer.long(this.#ttl)
  }

  decode(reader: Reader): CreateResult {
    const path = this.context.chroot.toUser(reader.ustring() ?? '')
    this.#note(path)
    return { path, stat: readZnodeStat(reader) }
  }

  protected async look({ seen, sessionId, limits }: Lost): Promise<Finding<CreateResult>> {
    const { context, path } = this
    // The order matters: the reading of the parent also covers the time until we have looked for the znode.
    const found = await findSynced(context, path, limits)
    const parent = await readZnode(context, existsRead, parentPath(path) as ZnodePath, limits)
    const currentSessionId = context.session.sessionId
    const lost = { data: this.#data, isEphemeral: this.#isEphemeral, sessionId, currentSessionId, seen }
    const verdict = verdictOfCreate(lost, found, parent)
    if (found === undefined) return { verdict }
    const result = (): CreateResult => {
      this.#note(path)
      return { path, stat: found.stat }
    }
    return { verdict, result }
  }

  /** Keeps the session's list of ephemerals up to date. */
  #note(path: ZnodePath): void {
    if (this.#isEphemeral) this.context.session.ephemerals.add(path)
  }
}
