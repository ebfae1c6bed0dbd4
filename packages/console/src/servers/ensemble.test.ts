/** What the page says about an ensemble. */
import { expect, test } from 'vitest'
import type { ServerItem } from '../api.ts'
import { ensembleSentences, membersIn } from './ensemble.ts'

const config = `server.1=zk1:2888:3888:participant;0.0.0.0:2181
server.2=zk2:2888:3888
server.3=zk3:2888:3888:participant
server.4=zk4:2888:3888:observer;2181
version=100000000`

const item = (server: string, role?: string, more: Partial<ServerItem> = {}): ServerItem => ({
  server,
  figures: {},
  ...(role !== undefined && { role }),
  ...more,
})

test('members are read as every version writes them', () => {
  expect(membersIn(config)).toEqual([
    { id: '1', role: 'participant', address: 'zk1:2888:3888', client: '0.0.0.0:2181' },
    { id: '2', role: 'participant', address: 'zk2:2888:3888' },
    { id: '3', role: 'participant', address: 'zk3:2888:3888' },
    { id: '4', role: 'observer', address: 'zk4:2888:3888', client: '2181' },
  ])
  expect(membersIn('')).toEqual([])
})

const members = membersIn(config)
const of = (...servers: ServerItem[]) => ensembleSentences({ servers, members })

test.each([
  ['2', 'zk1 leads. 3 of 3 members with a vote are up to date. 1 of them may fail, and writes go on.'],
  ['1', 'zk1 leads. 2 of 3 members with a vote are up to date. If one more fails, writes stop.'],
])('a leader with %s followers', (synced, says) => {
  const leader = item('zk1', 'leader', { figures: { synced_followers: synced } })
  expect(of(leader, item('zk2', 'follower'), item('zk3', 'follower'), item('zk4', 'observer'))).toEqual([says])
})

test('what is not asked, not answered, or behind', () => {
  expect(of(item('zk1', 'leader'))).toEqual([
    'zk1 leads.',
    'The ensemble has 4 members, and the console asks 1: start the console with all of them to see all.',
  ])
  const followers = [item('zk2', 'follower'), item('zk3', 'follower', { lag: 5_000 }), item('zk4', 'observer')]
  expect(of(item('zk1'), ...followers)).toEqual([
    'No server that answers leads; the leader may be one that does not answer or is not asked.',
    'zk3 is 5000 transactions behind: its clients read old data.',
  ])
  expect(
    of(item('zk1', 'follower'), ...followers.slice(0, 1), item('zk5', 'follower'), item('zk4', 'observer')),
  ).toEqual(['No server leads: no client can write until a majority of the members has elected one.'])
  expect(of(item('zk1', undefined, { silence: 'away' }))).toEqual(['No server answers.'])
  expect(of(item('zk1', undefined, { silence: 'refused' }))).toEqual(['No server says what it is.'])
})

test('members that look for a leader', () => {
  const away = ['zk1', 'zk2'].map((each) => item(each, undefined, { silence: 'away' }))
  const idle = ['zk3', 'zk4'].map((each) => item(each, undefined, { silence: 'idle' }))
  const says = 'No server serves clients: 2 members with a vote must run and elect a leader.'
  expect(of(...away, ...idle)).toEqual([`${says} 2 of 4 members answer.`])
  expect(of(...idle)).toEqual([says])
  expect(ensembleSentences({ servers: [...away, ...idle], members: [] })).toEqual(['No server serves clients.'])
})

test('servers that stand alone', () => {
  const alone = item('zk1', 'standalone')
  expect(ensembleSentences({ servers: [alone], members: [] })).toEqual([
    'One server that stands alone: while it is down, no client is served.',
  ])
  expect(ensembleSentences({ servers: [alone, item('zk2', 'standalone')], members: [] })).toEqual([
    'These servers stand alone: each has a tree of its own, and clients see one or the other.',
  ])
})
