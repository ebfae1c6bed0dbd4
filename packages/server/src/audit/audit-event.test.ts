import { type Acl, permission } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { type AuditEvent, aclText, auditLine, userText } from './audit-event.ts'

const wall = Date.UTC(2026, 0, 31, 12, 0, 0, 123)
const event: AuditEvent = {
  session: 0x1934_4730_0000n,
  user: '10.0.0.7,alice',
  ip: '10.0.0.7',
  operation: 'create',
  znode: '/a',
  znodeType: 'persistent',
  result: 'success',
}

test('a line has the fields and the form of Apache’s', () => {
  expect(auditLine(event, wall)).toBe(
    '2026-01-31 12:00:00,123 INFO audit: session=0x193447300000\tuser=10.0.0.7,alice\tip=10.0.0.7\toperation=create\tznode=/a\tznode_type=persistent\tresult=success\n',
  )
})

test('a failure is an error', () => {
  expect(auditLine({ operation: 'multiOperation', result: 'failure' }, wall)).toBe(
    '2026-01-31 12:00:00,123 ERROR audit: operation=multiOperation\tresult=failure\n',
  )
})

test('a line stays one line of printable characters of a bounded length, whatever a client sends', () => {
  const line = auditLine(
    { ...event, znode: `/a\n\t\u001b[31m\u202e${'x'.repeat(1_000_000)}`, user: 'a\tresult=b' },
    wall,
  )
  expect(line.length).toBeLessThan(5_000)
  expect(line.match(/[\p{Cc}\p{Cf}]/gu)).toEqual([...Array.from({ length: 6 }, () => '\t'), '\n'])
})

test('a user is named without what it proved itself by', () => {
  const identities = [
    { scheme: 'ip', id: '10.0.0.7' },
    { scheme: 'digest', id: 'alice:vXfvlWGJtvMO6P9L7nCkKBJ2oWM=' },
    { scheme: 'super', id: '' },
    { scheme: 'sasl', id: 'zkcli@EXAMPLE.COM' },
    { scheme: 'digest', id: '' },
  ]
  expect(userText(identities)).toBe('10.0.0.7,alice,zkcli@EXAMPLE.COM')
  expect(userText([])).toBe(undefined)
})

test('an ACL is written without its hashes', () => {
  const acl: Acl[] = [
    { perms: permission.all, id: { scheme: 'world', id: 'anyone' } },
    { perms: permission.read | permission.admin, id: { scheme: 'digest', id: 'alice:vXfvlWGJtvMO6P9L7nCkKBJ2oWM=' } },
  ]
  expect(aclText(acl)).toBe('world:anyone:cdrwa,digest:alice:x:ra')
  expect(aclText(null)).toBe(undefined)
})
