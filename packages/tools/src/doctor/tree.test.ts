import { type Acl, openAcl, readOnlyAcl } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { type SurveyedZnode, TreeSurvey } from './tree.ts'

const owner: readonly Acl[] = [{ perms: 31, id: { scheme: 'digest', id: 'joe:x=' } }]
const znode = (path: string, more: Partial<SurveyedZnode> = {}): SurveyedZnode => ({
  path,
  dataBytes: 10,
  children: 0,
  childrenBytes: 0,
  acl: owner,
  ...more,
})

function surveyed(...znodes: readonly SurveyedZnode[]) {
  const survey = new TreeSurvey({ where: 'zk:2181' })
  for (const each of znodes) survey.add(each)
  return [...survey.findings()]
}

test('a tree with ACLs and small znodes has no findings', () => {
  expect(surveyed(znode('/'), znode('/a'), znode('/a/b', { acl: readOnlyAcl }))).toEqual([])
})

test.each([
  ['large-znode', znode('/big', { dataBytes: 800_000 }), '/big: 781 KiB'],
  ['many-children', znode('/wide', { children: 20_000, childrenBytes: 200_000 }), '/wide: 20000 children'],
  ['many-children', znode('/wide', { children: 900, childrenBytes: 900_000 }), '/wide: 900 children'],
])('%s', (name, each, evidence) => {
  const [finding, ...more] = surveyed(znode('/'), each)
  expect(finding).toMatchObject({ name, severity: 'warning', where: each.path })
  expect(finding?.evidence[0]).toBe(evidence)
  expect(more).toEqual([])
})

test('an open znode below a protected one is a warning, and an open tree is a note', () => {
  const found = surveyed(znode('/', { acl: openAcl }), znode('/app'), znode('/app/db', { acl: openAcl }))
  expect(found.map(({ name, severity, where }) => [name, severity, where])).toEqual([
    ['open-below-protected', 'warning', '/app/db'],
    ['world-writable', 'note', 'zk:2181'],
  ])
  // What a server keeps of itself is not the user's, and an ACL that may not be read says nothing.
  expect(surveyed(znode('/'), znode('/zookeeper', { acl: openAcl }), znode('/x', { acl: undefined }))).toEqual([])
})
