/** The REST paths in the shape openapi-fetch reads. */
import type {
  CodedName, Lesson, LessonChange, LessonRequest, Organisation, Page, Period, ReceiverRequest, Room, SchoolClass, Session, Settings,
  Teacher, User,
} from './model'

type Query = Record<string, string | number | boolean | undefined>
interface Answer<Body> {
  200: { content: { 'application/json': Body } }
  default: { content: { 'application/problem+json': unknown } }
}
interface None {
  204: { content?: never }
  default: { content: { 'application/problem+json': unknown } }
}
type PathOf<Path> = [Path] extends [never] ? { path?: never } : { path: Path }
interface Read<Body, Path = never> {
  parameters: { query?: Query } & PathOf<Path>
  responses: Answer<Body>
}
interface Send<Request, Body, Path = never> {
  parameters: { query?: never; header?: Record<string, string> } & PathOf<Path>
  requestBody: { content: { 'application/json': Request } }
  responses: Answer<Body>
}
interface Do<Body, Path = never> {
  parameters: { query?: never } & PathOf<Path>
  requestBody?: never
  responses: Answer<Body>
}
interface Drop<Path = never> {
  parameters: { query?: never } & PathOf<Path>
  responses: None
}
interface Id { id: string }
interface ReceiverPath extends Id { receiver_id: string }

export interface paths {
  '/api/settings': { get: Read<Settings> }
  '/api/setup': {
    post: Send<{ token: string; username: string; password: string; display_name: string; organisation_name: string }, unknown>
  }
  '/api/session': { get: Read<Session>; post: Send<{ username: string; password: string }, Session>; delete: Drop }
  '/api/account': { patch: Send<{ display_name?: string; locale?: string }, User> }
  '/api/account/password': { post: Send<{ current: string; new: string }, unknown> }
  '/api/users': {
    get: Read<Page<User>>
    post: Send<{ username: string; password: string; display_name: string; role: string; organisation_id: string }, User>
  }
  '/api/users/{id}': { patch: Send<{ display_name?: string; role?: string; disabled?: boolean }, User, Id> }
  '/api/users/{id}/password': { post: Send<{ password: string }, unknown, Id> }
  '/api/organisations': {
    get: Read<Page<Organisation>>
    post: Send<{ parent_id: string; name: string; kind: string }, Organisation>
  }
  '/api/organisations/{id}': { patch: Send<{ name: string }, Organisation, Id> }
  '/api/organisations/{id}/periods': { get: Read<Page<Period>, Id>; put: Send<{ items: Period[] }, unknown, Id> }
  '/api/subjects': { get: Read<Page<CodedName>> }
  '/api/grades': { get: Read<Page<CodedName>> }
  '/api/teachers': { get: Read<Page<Teacher>> }
  '/api/classes': {
    get: Read<Page<SchoolClass>>
    post: Send<{ organisation_id: string; name: string; grade: string }, SchoolClass>
  }
  '/api/rooms': { get: Read<Page<Room>>; post: Send<{ organisation_id: string; name: string; can_lead: boolean }, Room> }
  '/api/rooms/{id}': { patch: Send<Partial<Pick<Room, 'name' | 'can_lead' | 'recording_consent'>>, Room, Id> }
  '/api/rooms/{id}/pairing': { post: Send<{ code: string }, unknown, Id> }
  '/api/rooms/{id}/device': { delete: Drop<Id> }
  '/api/lessons': { get: Read<Page<Lesson>>; post: Send<LessonRequest, Lesson> }
  '/api/lessons/{id}': {
    get: Read<Lesson, Id>
    patch: Send<LessonChange, Lesson, Id>
  }
  '/api/lessons/{id}/cancel': { post: Send<{ reason: string }, Lesson, Id> }
  '/api/lessons/{id}/start': { post: Do<Lesson, Id> }
  '/api/lessons/{id}/end': { post: Do<Lesson, Id> }
  '/api/lessons/{id}/receivers': { post: Send<ReceiverRequest & { replaces?: string }, Lesson, Id> }
  '/api/lessons/{id}/receivers/{receiver_id}': { delete: Drop<ReceiverPath> }
  '/api/lessons/{id}/receivers/{receiver_id}/accept': { post: Do<Lesson, ReceiverPath> }
  '/api/lessons/{id}/receivers/{receiver_id}/decline': { post: Send<{ note: string }, Lesson, ReceiverPath> }
}
