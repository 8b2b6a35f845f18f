-- ardour7-lua create_session.lua FOLDER NAME RATE TRACKS TEMPOS METERS
-- TRACKS: names; TEMPOS: QUARTER:BPM, with r behind a tempo that moves to the next; METERS: QUARTER:BEATS/UNIT. All with commas.
local folder, name, rate, tracks, tempos, meters = table.unpack (arg)
local session = assert (create_session (folder, name, tonumber (rate)), "no session")

local function at (quarter)
	return Temporal.timepos_t.from_ticks (math.floor (tonumber (quarter) * Temporal.ticks_per_beat))
end

local map = Temporal.TempoMap.fetch_writable ()
local ramps = {}
for quarter, bpm, ramp in tempos:gmatch ("([%d.]+):([%d.]+)(r?)") do
	local point = map:set_tempo (Temporal.Tempo (tonumber (bpm), tonumber (bpm), 4), at (quarter))
	if ramp == "r" then ramps[#ramps + 1] = point end
end
for quarter, beats, unit in meters:gmatch ("([%d.]+):(%d+)/(%d+)") do
	map:set_meter (Temporal.Meter (tonumber (beats), tonumber (unit)), at (quarter))
end
for _, point in ipairs (ramps) do map:set_ramped (point, true) end
Temporal.TempoMap.update (map)
map, ramps = nil, nil
for track in tracks:gmatch ("[^,]+") do
	session:new_audio_track (2, 2, nil, 1, track, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
end
-- Tracks are connected to the master in the background. One that is saved before that stays silent for ever.
for _ = 1, 200 do
	local open = 0
	for route in session:get_tracks ():iter () do
		for channel = 0, 1 do
			if not route:output ():audio (channel):connected () then open = open + 1 end
		end
	end
	if open == 0 then break end
	sleep (0.1)
end
local tape, song = session:route_by_name ("Tape"), session:route_by_name ("Song")
if not tape:isnil () then -- what it records is what the song plays
	for channel = 0, 1 do
		tape:input ():audio (channel):connect (song:output ():audio (channel):name ())
	end
end
tape, song = nil, nil
collectgarbage () -- shared pointers to the session's objects have to be gone before it is closed
assert (session:save_state ("", false, false, false, false, false) == 0, "not saved")
session:close ()
