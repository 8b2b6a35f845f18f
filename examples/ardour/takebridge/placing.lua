-- Rendered takes into the session: each on a playlist of its own, at its exact sample, all in one step of undo.
local need = ...
local files = need ("files")
local placing = {}

local AUDIO = ARDOUR.DataType.audio ()
local WHOLE = "mix" -- the stem that is not a part
local MOST_OF_A_NAME = 120 -- bytes of a track's name in a file's: no disk takes more than 255 in all

function placing.id (object)
	return object:to_stateful ():id ():to_s ()
end

-- The playlist or the track with an id; nil when it is gone.
function placing.playlist (id)
	local playlist = Session:playlists ():by_id (PBD.ID (id))
	return not playlist:isnil () and playlist or nil
end

function placing.track (id)
	local route = Session:route_by_id (PBD.ID (id))
	if route:isnil () or route:to_track ():isnil () then return nil end
	return route:to_track ()
end

function placing.use (track, playlist)
	if placing.id (track:playlist ()) ~= placing.id (playlist) then track:use_playlist (AUDIO, playlist, true) end
end

local function name_in_use (name)
	return not Session:playlists ():by_name (name):isnil ()
end

local function free_name (wanted)
	local name, count = wanted, 1
	while name_in_use (name) do
		count = count + 1
		name = string.format ("%s (%d)", wanted, count)
	end
	return name
end

local function region_ids ()
	local found = {}
	for id in ARDOUR.RegionFactory.regions ():iter () do found[id:to_s ()] = true end
	return found
end

-- The file as a region of the session. A copy goes to the session's own audio files and is used as it is: an import
-- would convert it to the session's sample format, and the take would no longer be what the server measured.
local function region_from (path, name)
	local folder = string.format ("%s/interchange/%s/audiofiles", Session:path (), Session:name ())
	local known = region_ids ()
	local list = C.StringVector ()
	local placed = Temporal.timepos_t (0)
	if files.exists (folder) then
		local copy = folder .. "/" .. name .. ".wav"
		files.copy (path, copy)
		list:push_back (copy)
		Editor:do_embed (list, Editing.ImportDistinctFiles, Editing.ImportAsRegion, placed, ARDOUR.PluginInfo (),
			ARDOUR.Track ())
	else
		list:push_back (path)
		Editor:do_import (list, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, placed,
			ARDOUR.PluginInfo (), ARDOUR.Track (), false)
	end
	for id, region in ARDOUR.RegionFactory.regions ():iter () do
		if not known[id:to_s ()] then return region end
	end
	error ("Ardour could not read " .. path, 0)
end

-- Puts a region on a playlist. The bridge made the crossfades already: Ardour is to add none.
local function add (playlist, region, take)
	playlist:to_stateful ():clear_changes ()
	playlist:add_region (region, Temporal.timepos_t (take.position), 1, false, 0, 0, false)
	for placed in playlist:region_list ():iter () do
		if placed:name () == region:name () and placed:position ():samples () == take.position then
			placed:to_audioregion ():set_fade_in_active (false)
			placed:to_audioregion ():set_fade_out_active (false)
		end
	end
	Session:add_stateful_diff_command (playlist:to_statefuldestructible ())
end

-- Each on its own playlist. Only after the tracks play what they are to play: where a track changes its playlist, Ardour
-- throws the pictures of its regions away, and 7.3 dies when a waveform of one is finished just then.
local function add_all (playlists, regions, takes)
	for index, take in ipairs (takes) do add (playlists[index], regions[index], take) end
end

-- Which of the takes of its region it is, from 1: a request numbers them through all its regions and tracks.
local function version (job, take)
	return (take.number - 1) % job.takes + 1
end

local function record (playlist, parent, track, job, take)
	return {
		playlist = placing.id (playlist), parent = placing.id (parent), track = placing.id (track), request = job.name,
		number = version (job, take), region = take.region, stem = take.stem, take = take.take, together = job.together,
	}
end

local function take_name (job, take, passed)
	local stem = take.stem == WHOLE and "" or take.stem .. " "
	local doubt = passed and "" or " (warning)"
	return string.format ("%s%s %d.%d%s", stem, job.task, job.number, version (job, take), doubt)
end

-- For the playlist that a take comes on, with those of the other regions; `beginning`: what it is a version of.
local function playlist_name (beginning, job, takes, take)
	local passed = true
	for _, other in ipairs (takes) do
		local along = other.track == take.track and other.stem == take.stem and version (job, other) == version (job, take)
		passed = passed and (other.passed or not along)
	end
	return free_name (beginning .. " " .. take_name (job, take, passed))
end

-- Which of several tracks and regions a take is for, in words; "" for the only one.
function placing.place_of (job, take)
	local region = take.region and string.format (", region %d", take.region) or ""
	return (take.track and ", " .. job.tracks[take.track].name or "") .. region
end

-- The tracks of a job, in words.
function placing.names (job)
	local found = {}
	for index, own in ipairs (job.tracks) do found[index] = own.name end
	return table.concat (found, ", ")
end

-- Takes that replace regions: copies of the playlist they were selected on, each with one take of every region over it.
local function place_over (job, takes, regions)
	local copies, placed, playlists = {}, {}, {}
	for index, take in ipairs (takes) do
		local own = job.tracks[take.track or 1]
		local track, parent = placing.track (own.track), placing.playlist (own.playlist)
		local number = version (job, take)
		local of_track = copies[own] or {}
		copies[own] = of_track
		if not of_track[number] then
			placing.use (track, parent)
			track:use_copy_playlist ()
			of_track[number] = track:playlist ()
			of_track[number]:set_name (playlist_name (own.playlist_name, job, takes, take))
			of_track.first = math.min (of_track.first or number, number)
		end
		playlists[index] = of_track[number]
		placed[index] = record (playlists[index], parent, track, job, take)
	end
	for own, of_track in pairs (copies) do placing.use (placing.track (own.track), of_track[of_track.first]) end
	add_all (playlists, regions, takes)
	return placed
end

local function check_over (job)
	for _, own in ipairs (job.tracks) do
		if not placing.track (own.track) or not placing.playlist (own.playlist) then
			error (string.format ("The track %q, or the playlist the request was about, no longer exists.", own.name), 0)
		end
	end
end

-- As wide as the track the request came from: a mono region on a stereo track is not panned, on a mono track it is.
local function new_track (from, name, channels)
	local beside = placing.track (from)
	local order = ARDOUR.PresentationInfo.max_order
	if beside then
		order = beside:presentation_info_ptr ():order () + 1
		channels = math.max (channels, beside:n_inputs ():n_audio ())
	end
	local made = Session:new_audio_track (channels, 2, nil, 1, name, order, ARDOUR.TrackMode.Normal, true)
	for track in made:iter () do return track end
	error ("Ardour could not add a track.", 0)
end

-- The new track for a stem of a track: { track, empty: its empty playlist }.
local function track_for (job, own, stem, channels)
	local name = stem == WHOLE and job.task or stem
	local track = new_track (own.track, own.name .. " " .. name, channels)
	-- Stems sound together with the song they came from, twice as loud, unless one of both is muted.
	if job.task == "extract" then track:mute_control ():set_value (1, PBD.GroupControlDisposition.NoGroup) end
	return { track = track, empty = track:playlist () }
end

-- Takes that play alongside the song: a new track for each stem, with a playlist for one take of every region.
local function place_beside (job, takes, regions)
	local made, placed, playlists = {}, {}, {}
	for index, take in ipairs (takes) do
		local own, number = job.tracks[take.track or 1], version (job, take)
		local key = (take.track or 1) .. " " .. take.stem
		local new = made[key] or track_for (job, own, take.stem, regions[index]:to_audioregion ():n_channels ())
		made[key] = new
		if not new[number] then
			placing.use (new.track, new.empty)
			new.track:use_new_playlist (AUDIO)
			new[number] = new.track:playlist ()
			new[number]:set_name (playlist_name (own.name, job, takes, take))
			new.first = math.min (new.first or number, number)
		end
		playlists[index] = new[number]
		placed[index] = record (playlists[index], new.empty, new.track, job, take)
	end
	for _, new in pairs (made) do placing.use (new.track, new[new.first]) end
	add_all (playlists, regions, takes)
	return placed
end

-- A name for a file on every system.
local function file_name (name)
	return (name:gsub ('[%c<>:"/\\|?*]', "_"))
end

-- A backing comes whole and in its parts, which sound twice when both are placed: then the whole is.
local function wanted (takes)
	local whole = {}
	for _, take in ipairs (takes) do
		if take.stem == WHOLE then whole[#whole + 1] = take end
	end
	return #whole > 0 and whole or takes
end

local OVER = { repaint = true, continue = true }

-- Brings the takes of a request into the session as regions, none of them on a track yet. Returns the takes to place
-- and the ids of their regions. Raises a sentence; the takes themselves stay in the bridge.
function placing.bring (job, takes)
	local ids = {}
	takes = wanted (takes)
	for index, take in ipairs (takes) do
		if take.rate ~= Session:nominal_sample_rate () then
			error (string.format ("The take's sample rate is %d Hz, the session's is %d Hz.", take.rate,
				Session:nominal_sample_rate ()), 0)
		end
		local word = job.name:match ("[^-]+$")
		local place = take.region and string.format (" (region %d)", take.region) or ""
		local track, own = job.tracks[take.track or 1].name, take_name (job, take, take.passed) .. place
		local file = string.format ("%s %s %s%s", files.beginning (track, MOST_OF_A_NAME), own, word, take.track and "-" .. take.track or "")
		local region = region_from (take.path, file_name (file))
		region:set_name (track .. " " .. own)
		ids[index] = placing.id (region)
	end
	return takes, ids
end

-- The regions with these ids; nil when one is gone.
function placing.regions (ids)
	local known, found = {}, {}
	for id, region in ARDOUR.RegionFactory.regions ():iter () do known[id:to_s ()] = region end
	for index, id in ipairs (ids) do
		if not known[id] then return nil end
		found[index] = known[id]
	end
	return found
end

-- How long some regions are together, in seconds.
function placing.seconds (regions)
	local samples = 0
	for _, region in ipairs (regions) do samples = samples + region:length ():samples () end
	return samples / Session:nominal_sample_rate ()
end

-- Places takes that were brought in; returns a record for each. Raises a sentence.
function placing.place (job, takes, regions)
	if OVER[job.task] then check_over (job) end
	Session:begin_reversible_command ("Takebridge " .. job.task)
	local fine, placed = pcall (OVER[job.task] and place_over or place_beside, job, takes, regions)
	Session:commit_reversible_command (nil)
	if not fine then error (placed, 0) end
	return placed
end

return placing
