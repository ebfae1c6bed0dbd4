/** Errors of the protocol: one class, matched by its string code so that two copies of this package do not hurt. */
import { type KeeperCode, keeperCodes } from './errors.gen.ts'

const brand = Symbol.for('lightkeeper.KeeperError')

/**
 * What is known about the execution of a failed request. `not-sent`: it was never sent, so it is safe to repeat it. `unknown`: it
 * may have been executed. `rejected`: the server answered and did not execute it.
 */
export type Outcome = 'not-sent' | 'unknown' | 'rejected'

/** The operation of a transaction that made it fail. */
export interface FailedOperation {
  /** Position in the transaction, from 0. */
  readonly index: number
  /** The code with which the operation failed. */
  readonly code: AnyKeeperCode
  /** The path of the operation. */
  readonly path: string
}

/** Codes of the protocol, and codes that only a client uses. */
export type AnyKeeperCode =
  | KeeperCode
  | 'TRANSACTION_FAILED'
  | 'TIMEOUT'
  | 'CLOSED'
  | 'UNKNOWN_CODE'
  | 'FRAME_TOO_LARGE'
  | 'INVALID_DATA'
  | 'LEASE_ENDED'

export interface KeeperErrorDetails {
  /** Replaces the sentence of the code in the message. */
  readonly message?: string | undefined
  /** The path that the error is about. */
  readonly path?: string | undefined
  /** Name of the operation, as in the opcode table. */
  readonly operation?: string | undefined
  /** Default `rejected`. */
  readonly outcome?: Outcome | undefined
  /** For TRANSACTION_FAILED: the operation that failed. */
  readonly failedOp?: FailedOperation | undefined
  /** The number on the wire, where the code is UNKNOWN_CODE. */
  readonly number?: number | undefined
  /** The error behind this one. */
  readonly cause?: unknown
}

export const clientCodes = {
  TRANSACTION_FAILED: 'The transaction failed and changed nothing',
  TIMEOUT: 'No reply within the timeout',
  CLOSED: 'The client is closed',
  UNKNOWN_CODE: 'The server answered with an error number this version does not know',
  FRAME_TOO_LARGE: 'The request is larger than a server accepts, or the reply larger than the client does',
  LEASE_ENDED: 'The session may end at any time, and with it its ephemerals',
  INVALID_DATA: 'The codec does not accept the data of the znode',
} as const satisfies Record<Exclude<AnyKeeperCode, KeeperCode>, string>

const codeByNumber = new Map<number, KeeperCode>()
for (const [code, row] of Object.entries(keeperCodes)) codeByNumber.set(row.number, code as KeeperCode)

/** A failure with a code to match, the path that it is about, and what is known about the outcome of the call. */
export class KeeperError<Code extends AnyKeeperCode = AnyKeeperCode> extends Error {
  override readonly name = 'KeeperError'
  /** What went wrong; the code to match. */
  readonly code: Code
  /** The path that the error is about; undefined where it is about none. */
  readonly path: string | undefined
  /** The call that failed, for example `create`; undefined where none is known. */
  readonly operation: string | undefined
  /** Whether the request may have been executed. */
  readonly outcome: Outcome
  /** The operation that made a transaction fail; undefined for other errors. */
  readonly failedOp: FailedOperation | undefined
  /** The number on the wire; 0 for codes that only a client uses. */
  readonly number: number

  constructor(code: Code, details: KeeperErrorDetails = {}) {
    const row = (keeperCodes as Record<string, { number: number; text: string } | undefined>)[code]
    const text = details.message ?? row?.text ?? clientCodes[code as keyof typeof clientCodes]
    const where = [details.operation, details.path].filter(Boolean).join(' ')
    super(
      where ? `${code}: ${text} (${where})` : `${code}: ${text}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    this.path = details.path
    this.operation = details.operation
    this.outcome = details.outcome ?? 'rejected'
    this.failedOp = details.failedOp
    this.number = details.number ?? row?.number ?? 0
    Object.defineProperty(this, brand, { value: true })
  }

  /** The fields for JSON; for the cause only the name and message. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, path, operation, outcome, failedOp, number, cause } = this
    const shown = cause === undefined ? undefined : textOf(cause)
    return { name, code, message, path, operation, outcome, failedOp, number, cause: shown }
  }

  /** Whether `error` is a KeeperError, of this code if one is given; true across copies of the package. */
  static is<C extends AnyKeeperCode = AnyKeeperCode>(error: unknown, code?: C): error is KeeperError<C> {
    if (typeof error !== 'object' || error === null) return false
    try {
      return brand in error && (code === undefined || (error as unknown as KeeperError).code === code)
    } catch {
      // The thrown value throws when it is read.
      return false
    }
  }

  /** The error for a number on the wire; an unknown number becomes UNKNOWN_CODE rather than a crash. */
  static fromNumber(number: number, details: KeeperErrorDetails = {}): KeeperError {
    const code = codeByNumber.get(number)
    if (code !== undefined) return new KeeperError(code, details)
    return new KeeperError('UNKNOWN_CODE', {
      ...details,
      number,
      message: `Error number ${number}, unknown to this version`,
    })
  }
}

function textOf(cause: unknown): string {
  try {
    return String(cause)
  } catch {
    return 'a value that cannot be shown'
  }
}

/** Code for a number on the wire, undefined where we do not know it; 0 has none. */
export function keeperCodeOf(number: number): KeeperCode | undefined {
  return codeByNumber.get(number)
}
