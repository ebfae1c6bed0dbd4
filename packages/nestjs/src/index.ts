/** `@lightkeeper/nestjs`: a module that provides clients, and the decorator that injects them. */
export {
  type AsyncClientOptions,
  type ClientOptions,
  clientToken,
  InjectClient,
  LightkeeperModule,
  type Placement,
} from './lightkeeper-module.ts'
