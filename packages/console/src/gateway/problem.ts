/** Errors as answers: what happened, in words for people, and the status of HTTP. */
import { KeeperError } from '@lightkeeper/client'
import type { Problem } from '../api.ts'
import { TooLong, WrongRequest } from '../forms.ts'

type Status = 400 | 403 | 404 | 409 | 413 | 500 | 502 | 504

const statuses: Readonly<Record<string, Status>> = {
  NO_NODE: 404,
  NO_AUTH: 403,
  AUTH_FAILED: 403,
  BAD_VERSION: 409,
  NODE_EXISTS: 409,
  NOT_EMPTY: 409,
  TRANSACTION_FAILED: 409,
  INVALID_ACL: 400,
  BAD_ARGUMENTS: 400,
  NO_CHILDREN_FOR_EPHEMERALS: 400,
  FRAME_TOO_LARGE: 413,
  QUOTA_EXCEEDED: 409,
  CONNECTION_LOSS: 502,
  SESSION_EXPIRED: 502,
  CLOSED: 502,
  TIMEOUT: 504,
}

/** What an error means for the person at the page, where the client's own sentence says it for programs. */
const sentences: Readonly<Record<string, (path: string) => string>> = {
  NO_NODE: (path) => `${path} does not exist`,
  NO_AUTH: (path) => `the console has no permission to do this at ${path}`,
  BAD_VERSION: (path) => `${path} was changed meanwhile; nothing was written`,
  NODE_EXISTS: (path) => `${path} exists already; nothing was written`,
  NOT_EMPTY: (path) => `${path} has children; nothing was deleted`,
  NO_CHILDREN_FOR_EPHEMERALS: () => 'an ephemeral cannot have children; nothing was created',
  QUOTA_EXCEEDED: (path) => `the quota above ${path} does not allow this; nothing was written`,
}

export interface ProblemAnswer {
  readonly status: Status
  readonly problem: Problem
}

export function problemOf(error: unknown): ProblemAnswer {
  if (error instanceof WrongRequest) {
    const status = error instanceof TooLong ? 413 : 400
    return { status, problem: { code: 'WRONG', message: error.message } }
  }
  if (!KeeperError.is(error)) {
    return { status: 500, problem: { code: 'FAILED', message: error instanceof Error ? error.message : String(error) } }
  }
  const { code, path = 'the znode', failedOp, outcome } = error
  const meant = failedOp?.code ?? code
  const sentence = sentences[meant]?.(failedOp?.path ?? path)
  const message =
    sentence ??
    (outcome === 'unknown'
      ? `${error.message}: the connection was lost before the answer, so it is not known whether the write was done; look before you repeat it`
      : error.message)
  return { status: statuses[meant] ?? 500, problem: { code: meant, message } }
}
