-- Ardour's tempo map as the bridge wants it.
local need = ...
local json = need ("json")
local tempo_map = {}

local TICKS = Temporal.ticks_per_beat -- to the quarter note
local STEP = TICKS // 8
local MAX_STEPS = 2000 -- in one ramp

local function at (tick)
	return Temporal.timepos_t.from_ticks (tick)
end

local function quarters (tick)
	return tick % TICKS == 0 and tick // TICKS or string.format ("%d/%d", tick, TICKS)
end

-- Tempo points and meters up to a sample. At the very tick of a change Ardour still answers with what was before, so
-- it is asked one tick later.
local function changes (map, last)
	local tempos, meters = {}, {}
	local tick = 0
	repeat
		local place = at (tick + 1)
		local point, meter = map:tempo_at (place), map:meter_at (place)
		local tempo_tick, meter_tick = point:to_point ():time ():ticks (), meter:to_point ():time ():ticks ()
		if #tempos == 0 or tempos[#tempos].tick ~= tempo_tick then
			tempos[#tempos + 1] = { tick = tempo_tick, bpm = point:to_tempo ():quarter_notes_per_minute () }
		end
		if #meters == 0 or meters[#meters].tick ~= meter_tick then
			meters[#meters + 1] = { tick = meter_tick, beats = meter:divisions_per_bar (), unit = meter:note_value () }
		end
		tick = tick + STEP
	until at (tick):samples () > last
	return tempos, meters, tick
end

-- In a ramp of Ardour's the tempo is linear in quarter notes, in one of the bridge's it is linear in time: so a ramp is
-- sent as steps of an eighth of a quarter note, each of which takes exactly as long as it does in Ardour.
local function add_ramp (points, map, from, bpm, to)
	local step = math.max (STEP, (to - from) // MAX_STEPS // STEP * STEP)
	for tick = from, to - 1, step do
		local stop = math.min (tick + step, to)
		local stop_bpm = map:quarters_per_minute_at (at (stop))
		local mean = bpm
		if math.abs (stop_bpm - bpm) > 1e-9 then mean = (stop_bpm - bpm) / math.log (stop_bpm / bpm) end
		points[#points + 1] = { quarter = quarters (tick), bpm = mean }
		bpm = stop_bpm
	end
end

-- The map up to sample `last`, as a table for JSON.
function tempo_map.read (last)
	local map = Temporal.TempoMap.read ()
	local tempos, meters, stop = changes (map, last)
	local points = json.array ()
	for index, tempo in ipairs (tempos) do
		local after = tempos[index + 1] and tempos[index + 1].tick or stop
		local middle = map:quarters_per_minute_at (at ((tempo.tick + after) // 2))
		if math.abs (middle - tempo.bpm) > 1e-6 * tempo.bpm then
			add_ramp (points, map, tempo.tick, tempo.bpm, after)
		else
			points[#points + 1] = { quarter = quarters (tempo.tick), bpm = tempo.bpm }
		end
	end
	local bars = json.array ()
	for index, meter in ipairs (meters) do
		bars[index] = { quarter = quarters (meter.tick), meter = string.format ("%d/%d", meter.beats // 1, meter.unit // 1) }
	end
	return { points = points, meters = bars }
end

-- Bar, beat and tick of a sample as Ardour shows them, such as "5|1|0".
function tempo_map.bar (sample)
	return Temporal.TempoMap.read ():bbt_at (Temporal.timepos_t (sample)):str ()
end

-- How long some bars are at a sample, in seconds.
function tempo_map.bars_seconds (sample, count)
	local map = Temporal.TempoMap.read ()
	local place = Temporal.timepos_t (sample + 1)
	local meter = map:meter_at (place)
	local quarters_a_bar = meter:divisions_per_bar () * 4 / meter:note_value ()
	return count * quarters_a_bar * 60 / map:quarters_per_minute_at (place)
end

return tempo_map
