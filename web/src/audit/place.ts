/** The page on which what an act was about can be seen, where there is one. */

const places: [parameter: string, path: (id: string) => string, label: string][] = [
  ['lesson_id', (id) => `/lessons/${id}`, 'lessons.lesson'],
  ['event_id', (id) => `/events/${id}`, 'events.title'],
  ['critique_id', (id) => `/reviews/critiques/${id}`, 'reviews.critique.title'],
  ['comparison_id', (id) => `/reviews/comparisons/${id}`, 'reviews.comparison.title'],
  ['room_id', () => '/rooms', 'rooms.title'],
  ['user_id', () => '/people', 'accounts.people'],
  ['organisation_id', () => '/organisation', 'organisation.title'],
  ['class_id', () => '/organisation', 'organisation.title'],
  ['term_id', () => '/organisation', 'organisation.title'],
  ['rubric_id', () => '/reviews/rubrics', 'reviews.rubric.plural'],
  ['plan_id', () => '/planning', 'planning.title'],
  ['change_id', () => '/planning/changes', 'planning.changes'],
]

export function placeOf(about: Record<string, string>): { to: string; label: string } | null {
  for (const [parameter, path, label] of places) {
    const id = about[parameter]
    if (id) return { to: path(id), label }
  }
  return null
}
