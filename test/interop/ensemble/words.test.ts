/** What operators ask a follower and a leader of ours, answered as one of Apache's answers it in the same ensemble. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { ask, freePorts } from '@lightkeeper/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { missingVersion } from './trio.ts'
import { type Voter, Voters } from './voters.ts'

const jars = fileURLToPath(new URL('../../../.cache/apache-3.9-admin', import.meta.url))
const words = ['srvr', 'stat', 'conf', 'mntr', 'isro', 'dump'] as const
/** Other versions have other pages. */
const pages = [
  ...['configuration', 'is_read_only', 'leader', 'observers', 'server_stats', 'stats', 'voting_view', 'zabstate'],
  ...['connections', 'dirs', 'dump', 'hash', 'initial_configuration', 'last_snapshot', 'ruok', 'watch_summary'],
] as const

const monitoring = readFileSync(new URL('../../../docs/operations/monitoring.md', import.meta.url), 'utf8')
/** Figures that only members have, or only leaders. */
const figuresOf = (who: string): string[] =>
  [...monitoring.matchAll(new RegExp(`^\\| \`(\\w+)\` +\\| ${who}: gauge`, 'gm'))].map(([, name]) => name as string)
const ofMembers = figuresOf('member')
const ofLeaders = figuresOf('leader')

type Answers = ReadonlyMap<string, string>

/** What stands in front of `:`, `=` or a tab, line by line. */
const names = (text: string): string[] => text.split('\n').map((line) => line.split(/[:=\t]/, 1)[0] as string)

/** Keys and kinds of values, without the values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return 'list'
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, shapeOf(each)]),
  )
}

function missingWebServer(): string | undefined {
  const reason = missingVersion('3.9')
  if (reason !== undefined || existsSync(jars)) return reason
  if (process.env['INTEROP'] === 'require') throw new Error(`${jars} is missing; node scripts/peers.mjs fetches it`)
  console.log('words and pages of members: skipped, because the web server of Apache 3.9 was not fetched')
  return 'no web server'
}

describe.skipIf(missingWebServer() !== undefined)(
  'a member of ours answers operators as one of Apache 3.9 does',
  () => {
    /** By role: of ours, of Apache's. */
    const answers: Record<string, [Answers, Answers]> = {}

    beforeAll(async () => {
      const ports = await freePorts(3)
      await using voters = await Voters.start('3.9', ['apache', 'ours', 'apache'], {
        jars: `${jars}/*`,
        settingsOf: (i) => ({
          'admin.enableServer': 'true',
          'admin.serverAddress': '127.0.0.1',
          'admin.serverPort': ports[i] as number,
        }),
      })
      const [theirs, ours, other] = voters.all as [Voter, Voter, Voter]
      await using zk = await connect(voters.connectString)
      let written = 0
      const write = async (): Promise<void> => void (await zk.create(`/written-${written++}`, ''))
      const answersOf = async (voter: Voter): Promise<Answers> => {
        const all = new Map<string, string>()
        for (const word of words) all.set(word, await ask(voter.port, word))
        for (const page of pages) {
          const answer = await fetch(`http://127.0.0.1:${ports[voters.all.indexOf(voter)]}/commands/${page}`)
          all.set(page, await answer.text())
        }
        return all
      }
      // Another one than ours leads first; then ours does, and its answers are compared with those of the leader before.
      await voters.lead(other, write)
      await write()
      answers['follower'] = [await answersOf(ours), await answersOf(theirs)]
      const leaderOfTheirs = await answersOf(other)
      await voters.lead(ours, write)
      await write()
      answers['leader'] = [await answersOf(ours), leaderOfTheirs]
    })

    describe.each(['follower', 'leader'])('as %s', (role) => {
      const pair = (what: string): [string, string] => {
        const [ours, theirs] = answers[role] as [Answers, Answers]
        return [ours.get(what) as string, theirs.get(what) as string]
      }

      test('the word srvr has the same lines', () => {
        const [ours, theirs] = pair('srvr')
        expect(names(ours)).toEqual(names(theirs))
        expect(ours).toMatch(new RegExp(`^Mode: ${role}$`, 'm'))
        if (role === 'leader') expect(ours).toMatch(/^Proposal sizes last\/min\/max: \d+\/\d+\/\d+$/m)
      })

      test('the word stat has the same lines, apart from those of clients', () => {
        const [ours, theirs] = pair('stat').map((text) => names(text).filter((line) => !line.startsWith(' ')))
        expect(ours).toEqual(theirs)
      })

      test('the word conf has the same keys, and the same members', () => {
        const [ours, theirs] = pair('conf')
        expect(names(ours)).toEqual(names(theirs))
        const shared = (text: string): string => text.slice(text.indexOf('peerType'))
        expect(shared(ours)).toBe(shared(theirs))
      })

      test('the word mntr has no name of its own, and says the same of the ensemble', () => {
        const [ours, theirs] = pair('mntr').map(
          (text) => new Map(text.split('\n').map((line) => line.split('\t', 2) as [string, string])),
        )
        expect([...(ours?.keys() ?? [])].filter((name) => theirs?.has(name) === false)).toEqual([])
        const isShown = (name: string): boolean => ours?.has(`zk_${name}`) ?? false
        const same = [
          'server_state',
          'peer_state',
          ...ofMembers,
          ...ofLeaders.filter((name) => !/uptime|size/.test(name)),
        ]
        for (const name of same) expect(ours?.get(`zk_${name}`), name).toBe(theirs?.get(`zk_${name}`))
        expect([...ofMembers, ...ofLeaders].filter(isShown)).toEqual([
          ...ofMembers,
          ...(role === 'leader' ? ofLeaders : []),
        ])
      })

      test('the words isro and dump are as theirs', () => {
        expect(pair('isro')).toEqual(['rw', 'rw'])
        const headings = (text: string): string[] => text.split('\n').filter((line) => /^[A-Z].*:$/.test(line))
        const [ours, theirs] = pair('dump').map((text) => headings(text).map((line) => line.replace(/\d+/g, 'N')))
        expect(ours).toEqual(theirs)
      })

      test.each(pages)('the page %s has the same keys', (page) => {
        const [ours, theirs] = pair(page).map((text) => JSON.parse(text) as object)
        // What a znode, a time or a file is called is no key of the page.
        const values = ['dump', 'initial_configuration']
        if (values.includes(page)) expect(Object.keys(ours as object)).toEqual(Object.keys(theirs as object))
        else expect(shapeOf(ours)).toEqual(shapeOf(theirs))
      })

      test('the pages name the leader and the voters', () => {
        const of = (page: string): Record<string, unknown> => JSON.parse(pair(page)[0]) as Record<string, unknown>
        const isLeader = role === 'leader'
        expect(of('leader')).toMatchObject({ is_leader: isLeader, leader_id: isLeader ? 2 : 3, leader_ip: '127.0.0.1' })
        expect(of('zabstate')).toMatchObject({ myid: 2, is_leader: isLeader, voting: true, zabstate: 'broadcast' })
        expect(Object.keys(of('voting_view')['current_config'] as object)).toEqual(['1', '2', '3'])
      })
    })
  },
)
