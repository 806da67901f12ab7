/** The shapes of the REST interface by the names pages use; all of them follow the generated types. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Settings = Schemas['Settings']
export type Session = Schemas['SessionAnswer']
export type User = Schemas['UserAnswer']
export type Role = User['role']

export type Organisation = Schemas['OrganisationAnswer']
export type OrganisationKind = Organisation['kind']
export type Period = Schemas['PeriodForm']
export type CodedName = Schemas['CodedName']
export type SchoolClass = Schemas['ClassAnswer']
export type Teacher = Schemas['TeacherAnswer']

export type Room = Schemas['RoomAnswer']
export type ConsentState = Room['recording_consent']
export type RoomChange = Schemas['RoomChange']

export type Lesson = Schemas['LessonView']
export type LessonKind = Lesson['kind']
export type LessonState = Lesson['state']
export type Receiver = Schemas['ReceiverView']
export type ReceiverState = Receiver['state']
export type LessonRequest = Schemas['LessonRequest']
export type LessonChange = Schemas['LessonChange']
export type ReceiverRequest = Schemas['ReceiverRequest']
export type ReplaceReceiverRequest = Schemas['ReplaceReceiverRequest']

export type UsageReport = Schemas['UsageReport']
