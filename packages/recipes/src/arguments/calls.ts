/** The options that calls of many recipes have. */
import type { CallOptions, VersionOptions } from '@lightkeeper/client'
import { boolean, type Check, optionsOf, outOfRange, signal, timeout, wrongType } from './checks.ts'

/** `signal` and `timeout`, of calls that ask and of those that wait or leave. */
export const callOptions = optionsOf<CallOptions>({ signal, timeout })

export const signalOption = optionsOf<{ readonly signal?: AbortSignal | undefined }>({ signal })

const version: Check<number> = (value, name, operation) => {
  if (typeof value !== 'number') throw wrongType(operation, name, 'a version as in a Stat', value)
  if ((value | 0) !== value) throw outOfRange(operation, name, 'an integer of 32 bits', value)
  return value
}
export const versionOptions = optionsOf<VersionOptions>({ signal, timeout, idempotent: boolean, version })

const longMax = (1n << 63n) - 1n
export const zxid: Check<bigint> = (value, name, operation) => {
  if (typeof value !== 'bigint') throw wrongType(operation, name, 'a zxid, which is a bigint', value)
  if (value < 0n || value > longMax) throw outOfRange(operation, name, 'from 0n to 2^63 - 1', value)
  return value
}
