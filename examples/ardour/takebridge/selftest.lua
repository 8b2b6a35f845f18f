-- Whether this Ardour does what the other scripts rely on: known audio on a muted track of its own, bounced, selected, covered by
-- takes and uncovered again, compared sample for sample. It asks no server. Each check is a line of a report.
local need = ...
local files, mailbox, message, placing = need ("files"), need ("mailbox"), need ("message"), need ("placing")
local pulse, selection, song, tempo_map = need ("pulse"), need ("selection"), need ("song"), need ("tempo_map")
local selftest = {}

local TRACK = "Takebridge self-test"
local BASE = 12345 -- where the known audio lies, in samples
local FRAMES = 24000
local SPANS = { { 2000, 3501 }, { 9001, 9502 } } -- of the takes, in samples of the known audio
local DRAWING = 1500000 -- microseconds in which 7.3 has surely drawn so short a file (waiting.lua says why that matters)

local function single (value) return (string.unpack ("<f", string.pack ("<f", value))) end
local function rising (frame) return single (frame / FRAMES - 0.5) end
local function falling (frame) return single (0.25 - frame / FRAMES / 2) end

local function with_takes (frame)
	for _, span in ipairs (SPANS) do
		if frame >= span[1] and frame < span[2] then return falling (frame) end
	end
	return rising (frame)
end

local function write_wav (path, from, to, value)
	local parts = {}
	for frame = from, to - 1 do parts[#parts + 1] = string.pack ("<f", value (frame)) end
	local data, rate = table.concat (parts), Session:nominal_sample_rate ()
	files.write (path, "RIFF" .. string.pack ("<I4", 36 + #data) .. "WAVEfmt "
		.. string.pack ("<I4I2I2I4I4I2I2", 16, 3, 1, rate, rate * 4, 4, 32) .. "data" .. string.pack ("<I4", #data) .. data)
end

local Report = {}
Report.__index = Report

function Report:line (...) self[#self + 1] = string.format (...) end

function Report:truth (what, holds, found)
	self:line ("%s%s", holds and "OK      " or "WRONG   ", holds and what or string.format ("%s: %s", what, tostring (found)))
end

-- Runs a check; an error in it is a line of the report, and the next check runs all the same.
function Report:check (what, action, ...)
	local fine, problem = pcall (action, self, ...)
	if not fine then self:line ("WRONG   %s: %s", what, tostring (problem)) end
end

-- Bounces a stretch of the track as a request does; says OK, or WRONG with the first sample that differs.
function Report:sounds (what, made, from, to, expected)
	local path = made.folder .. "/bounce.wav"
	song.bounce (made.track, { start = BASE + from, stop = BASE + to, channels = 1 }, path)
	local data = files.read (path, 44)
	os.remove (path)
	if #data ~= 4 * (to - from) then return self:line ("WRONG   %s: %d samples, expected %d", what, #data // 4, to - from) end
	for frame = from, to - 1 do
		local found = string.unpack ("<f", data, 4 * (frame - from) + 1)
		if found ~= expected (frame) then
			return self:line ("WRONG   %s: sample %d is %.9g, expected %.9g", what, frame, found, expected (frame))
		end
	end
	self:line ("OK      %s", what)
end

-- The session's folder for what the test writes, the track, and the playlist with the known audio on it.
local function bench ()
	local made = { folder = Session:path () }
	local tracks = Session:new_audio_track (1, 2, nil, 1, TRACK, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
	for track in tracks:iter () do made.track = track end
	made.track:mute_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)
	made.job = {
		name = string.format ("selftest-%x", os.time ()), task = "repaint", number = 0, takes = 1,
		tracks = { { track = placing.id (made.track), name = TRACK } },
	}
	made.regions = {}
	for index, span in ipairs { { 0, FRAMES }, table.unpack (SPANS) } do
		local path = made.folder .. "/selftest.wav"
		write_wav (path, span[1], span[2], index == 1 and rising or falling)
		local take = {
			number = 1, region = index - 1, stem = "mix", take = "selftest", passed = true, rate = Session:nominal_sample_rate (),
			path = path, position = BASE + span[1], length = span[2] - span[1],
		}
		local takes, ids = placing.bring (made.job, { take })
		made.regions[index] = { take = takes[1], region = placing.regions (ids)[1] }
		os.remove (path)
	end
	local known, playlist = made.regions[1].region, made.track:playlist ()
	playlist:add_region (known, Temporal.timepos_t (BASE), 1, false, 0, 0, false)
	for region in playlist:region_list ():iter () do
		region:to_audioregion ():set_fade_in_active (false)
		region:to_audioregion ():set_fade_out_active (false)
	end
	made.playlist = playlist
	made.job.tracks[1].playlist, made.job.tracks[1].playlist_name = placing.id (playlist), playlist:name ()
	ARDOUR.LuaAPI.usleep (DRAWING)
	return made
end

local function requests (report, made)
	report:sounds ("a bounce is the track's audio", made, 0, FRAMES, rising)
	report:sounds ("a bounce begins at its sample", made, 777, 5003, rising)
	report:sounds ("a bounce is silent where there is nothing", made, -100, 0, function () return 0 end)
	local views = ArdourUI.SelectionList ()
	for region in made.playlist:region_list ():iter () do views:push_back (Editor:regionview_from_region (region)) end
	Editor:set_selection (views, ArdourUI.SelectionOp.Set)
	local spans, tracks = selection.read ()
	local found = string.format ("%d to %d on %d track(s)", spans[1].start, spans[1].stop, #tracks)
	report:truth ("a selected region is read", found == string.format ("%d to %d on 1 track(s)", BASE, BASE + FRAMES), found)
end

-- The tempo map that a request brings, at each quarter note of the first minutes.
local function tempo (report)
	local rate = Session:nominal_sample_rate ()
	local points = tempo_map.read (120 * rate).points
	local seconds, worst = 0, 0
	for index, point in ipairs (points) do
		local over, under = tostring (point.quarter):match ("^(%d+)/?(%d*)$")
		point.at = tonumber (over) / (tonumber (under) or 1)
		if index > 1 then seconds = seconds + (point.at - points[index - 1].at) * 60 / points[index - 1].bpm end
		local theirs = Temporal.timepos_t.from_ticks (math.floor (point.at * Temporal.ticks_per_beat + 0.5)):samples ()
		worst = math.max (worst, math.abs (seconds * rate - theirs))
	end
	report:truth (string.format ("the tempo map of %d point(s) fits to the sample", #points), worst <= 1, worst .. " samples off")
end

local function covered (report, made)
	local takes, regions = {}, {}
	for index = 2, #made.regions do takes[index - 1], regions[index - 1] = made.regions[index].take, made.regions[index].region end
	local placed = placing.place (made.job, takes, regions)
	report:sounds ("takes play on their samples, and around them what was there", made, 0, FRAMES, with_takes)
	report:truth ("takes of one request share a playlist", placed[1].playlist == placed[2].playlist, "they do not")
	Editor:access_action ("Editor", "undo")
	report:sounds ("one undo removes all of them", made, 0, FRAMES, rising)
	Editor:access_action ("Editor", "redo")
	report:sounds ("one redo brings them back", made, 0, FRAMES, with_takes)
	placing.use (made.track, made.playlist)
	report:sounds ("the original playlist plays what it played", made, 0, FRAMES, rising)
	placing.use (made.track, placing.playlist (placed[1].playlist))
	report:sounds ("and the takes' playlist the takes", made, 0, FRAMES, with_takes)
end

-- Runs all checks; writes the report to the session's folder and shows it.
function selftest.run ()
	local report = setmetatable ({}, Report)
	report:line ("Takebridge self-test, %s, %d Hz, %s", ARDOUR.user_config_directory (-1):match ("([^/\\]+)[/\\]*$"),
		Session:nominal_sample_rate (), os.date ("%Y-%m-%d"))
	report:truth ("the hook runs", pulse.felt (), "add \"Takebridge: Place takes\" under Action Hooks in the Script Manager")
	report:line ("NOTE    a server %s", mailbox.open () and "runs, or was killed" or "does not run (none is needed here)")
	local fine, made = pcall (bench)
	if fine then
		report:check ("requests", requests, made)
		report:check ("the tempo map", tempo)
		report:check ("placing", covered, made)
	else
		report:line ("WRONG   the test's track could not be made: %s", tostring (made))
	end
	local path = Session:path () .. "/takebridge_selftest.txt"
	files.write (path, table.concat (report, "\n") .. "\n")
	message.inform (table.concat (report, "\n") .. "\n\nThis report is in " .. path .. ". The track \"" .. TRACK .. "\" can be removed.")
end

return selftest
