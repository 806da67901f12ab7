export default {
  title: 'Today',
  awaiting: 'Awaiting your answer ({count})',
  today: 'Lessons today',
  myToday: 'My lessons today',
  nothingToday: 'No lessons today.',
  coming: 'The next seven days',
  enter: 'Enter',
  answer: 'Answer',
}
