export default {
  title: '今天',
  awaiting: '等您答复（{count}）',
  today: '今天的课程',
  myToday: '我今天的课程',
  nothingToday: '今天没有课程。',
  coming: '未来七天',
  enter: '进入',
  answer: '答复',
}
