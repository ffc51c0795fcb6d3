// Runs before the first paint, so that the chosen theme never flashes.
;(function () {
  var choice = 'system'
  try {
    choice = localStorage.getItem('mcx.theme') || 'system'
  } catch (e) {
    choice = 'system'
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
