-- The window's texts, and the server's replies as a producer reads them.

local words = {}

words.TASKS = {
  {name = 'repaint', label = 'Repaint', does = 'New takes of the selection; everything around it stays.'},
  {name = 'complete', label = 'Continue', does = 'Continues where the music ends, or fills the selected gap.'},
  {name = 'accompany', label = 'Accompany', does = 'A backing for the selected voice or instrument, on its own track.'},
  {name = 'extract', label = 'Stems', does = 'Splits the selection into stems that sum to it exactly.'},
}

function words.label(task)
  for _, entry in ipairs(words.TASKS) do
    if entry.name == task then return entry.label end
  end
  return task
end

-- An error answer, or `failed`: the sentence and the remedy.
function words.problem(fault)
  local data = fault.data or fault
  local sentence = fault.message or fault.sentence or 'The server refused the request.'
  local remedy = data.remedy or ''
  return remedy ~= '' and (sentence .. '\n' .. remedy) or sentence
end

-- One line about a take from its receipt.
function words.receipt(label, take, receipt)
  local parts = {}
  if receipt.exact then
    parts[#parts + 1] = 'on the exact sample'
  else
    parts[#parts + 1] = 'NOT on the exact sample'
  end
  if receipt.outside_identical ~= nil then
    parts[#parts + 1] = receipt.outside_identical and 'nothing outside changed' or 'the OUTSIDE CHANGED'
  end
  if receipt.gain_db and math.abs(receipt.gain_db) >= 0.05 then
    parts[#parts + 1] = string.format('level matched (%+.1f dB)', receipt.gain_db)
  end
  if receipt.drift_median_ms then
    parts[#parts + 1] = string.format('%.0f ms from the grid', math.abs(receipt.drift_median_ms))
  end
  if receipt.sum_error then parts[#parts + 1] = 'the stems sum to the song' end
  local line = label .. ': ' .. table.concat(parts, ', ') .. '.'
  local warnings = receipt.warnings or (take.warning and {take.warning}) or {}
  for _, warning in ipairs(warnings) do line = line .. '\n  ! ' .. warning end
  return line
end

return words
