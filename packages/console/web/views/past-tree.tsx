/** The tree below a path as it was at a moment. */
import type { JSX } from 'preact'
import type { PastTree } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { briefOf } from '../lib/bytes.ts'
import { Link, Scroll } from '../parts/bits.tsx'
import { FromLogs } from '../parts/from-logs.tsx'

export function PastTreeList({ path, at }: { readonly path: string; readonly at: string }): JSX.Element {
  return (
    <FromLogs<PastTree>
      url={address('/api/past/tree', { path, at })}
      head={(value) => (
        <>
          You look at the past: {path} as it was after {value?.zxid ?? at}.{' '}
          <Link view="past" query={{ path }}>
            Back to its history
          </Link>
        </>
      )}
      none={`${path} did not exist then.`}
      isEmpty={({ nodes }) => nodes.length === 0}
      more="more are not shown; choose a path further down."
    >
      {({ zxid, nodes }) => (
        <Scroll label="Znodes of then">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Znode</th>
                <th scope="col">Kind</th>
                <th scope="col">Version</th>
                <th scope="col">Data</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map((each) => (
                <tr key={each.path}>
                  <td>
                    <Link view="past" query={{ path: each.path, at: zxid }} class="path">
                      {each.path}
                    </Link>
                  </td>
                  <td>{each.kind}</td>
                  <td>{each.value?.version ?? ''}</td>
                  <td class="value">
                    {each.value === undefined ? 'not known' : briefOf(each.value.data, each.value.bytes)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </FromLogs>
  )
}
