/** The audit log of one server: where its events go, from before the start until the end. */
import type { Runtime } from '@lightkeeper/runtime'
import { type AuditEvent, auditLine, fieldsOf } from './audit-event.ts'
import { AuditFile } from './audit-file.ts'
import { Auditor } from './auditor.ts'

export interface AuditOptions {
  /** Whether events are written at all: `audit.enable`. */
  readonly auditEnabled: boolean
  /** The file they are added to, undefined for the server's own log. */
  readonly auditFile: string | undefined
  readonly auditMaxFileBytes: number
  readonly auditMaxFiles: number
}

export interface AuditLog {
  readonly auditor: Auditor
  /** Resolves when every event is written. */
  close(): Promise<void>
}

/** Undefined where nothing is audited. @throws the system's error where the file cannot be opened. */
export async function openAudit(options: AuditOptions, runtime: Runtime): Promise<AuditLog | undefined> {
  if (!options.auditEnabled) return undefined
  const { clock, disk, log, machine } = runtime
  const ownUser = machine.facts().get('user.name') ?? ''
  const { auditFile: path, auditMaxFileBytes: maxFileBytes, auditMaxFiles: maxFiles } = options
  if (path === undefined) {
    const sink = (event: AuditEvent): void => log('info', 'audit', fieldsOf(event))
    return { auditor: new Auditor(sink, ownUser), async close() {} }
  }
  const file = await AuditFile.open(disk, { path, maxFileBytes, maxFiles }, clock, log)
  return {
    auditor: new Auditor((event) => file.write(auditLine(event, clock.wall())), ownUser),
    close: () => file.close(),
  }
}
