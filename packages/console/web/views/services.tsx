/** Services and their instances, as discovery registers them. */
import type { JSX } from 'preact'
import type { PartyItem, StructureItem, Structures } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { bytesOf } from '../lib/bytes.ts'
import { useLoad } from '../lib/load.ts'
import { nameOf } from '../lib/tree-model.ts'
import { Ago, PathField, ProblemNote, productOf, Scroll, ViewHead, ZnodeLink } from '../parts/bits.tsx'
import { SessionLink } from './recipes.tsx'

export function ServicesView({ path }: { readonly path: string }): JSX.Element {
  const { value, problem } = useLoad<Structures>(address('/api/structures', { path }), 2_000)
  const services = value?.structures.filter(({ kind }) => kind === 'service') ?? []
  return (
    <article class="view">
      <ViewHead
        title="Services"
        about="Instances that registered themselves, in the formats of Lightkeeper, Curator, Spring Cloud and Dubbo."
      >
        <PathField view="services" path={path} label="Below" />
      </ViewHead>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Reading…</p> : null}
      {value !== undefined && services.length === 0 ? (
        <p class="quiet">No service is registered below {path}.</p>
      ) : null}
      {services.map((each) => (
        <Service key={each.path} service={each} />
      ))}
    </article>
  )
}

function Service({ service }: { readonly service: StructureItem }): JSX.Element {
  const { path, layouts, holders } = service
  return (
    <section class="panel">
      <h2>
        {nameOf(path)} <ZnodeLink path={path} />
      </h2>
      <p class="quiet">
        {holders.length} instance{holders.length === 1 ? '' : 's'}, in the format of {layouts.map(productOf).join(', ')}
      </p>
      <Scroll label="Instances">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Address</th>
              <th scope="col">Weight</th>
              <th scope="col">Zone</th>
              <th scope="col">Registered</th>
              <th scope="col">Session</th>
              <th scope="col">Znode</th>
            </tr>
          </thead>
          <tbody>
            {holders.map((each) => {
              const { weight, zone } = partsOf(each)
              return (
                <tr key={each.path}>
                  <td>{each.id ?? ''}</td>
                  <td>{weight ?? ''}</td>
                  <td>{zone ?? ''}</td>
                  <td>
                    <Ago at={each.since} />
                  </td>
                  <td>
                    {each.session === undefined ? (
                      'none: it stays when the program goes'
                    ) : (
                      <SessionLink id={each.session} />
                    )}
                  </td>
                  <td>
                    <ZnodeLink path={each.path} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

/** Weight and zone, where the instance says them: in the payload of Curator's JSON, or in the URL of Dubbo. */
function partsOf({ data, path }: PartyItem): { readonly weight?: string; readonly zone?: string } {
  const named = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? `${value}` : undefined
  try {
    const instance = JSON.parse(new TextDecoder().decode(bytesOf(data))) as { readonly payload?: unknown }
    const payload =
      typeof instance.payload === 'object' && instance.payload !== null
        ? (instance.payload as Record<string, unknown>)
        : {}
    const metadata =
      typeof payload['metadata'] === 'object' && payload['metadata'] !== null
        ? (payload['metadata'] as Record<string, unknown>)
        : {}
    return defined(named(payload['weight'] ?? metadata['weight']), named(payload['zone'] ?? metadata['zone']))
  } catch {
    const weight = /[?&]weight=(\d+)/.exec(decodeURIComponent(nameOf(path)))?.[1]
    return defined(weight, undefined)
  }
}

function defined(
  weight: string | undefined,
  zone: string | undefined,
): { readonly weight?: string; readonly zone?: string } {
  return { ...(weight !== undefined && { weight }), ...(zone !== undefined && { zone }) }
}
