import csv
import io


def test_artists_are_listed_page_by_page_by_their_names(api):
    first = api.told("artists?limit=2")
    artists = list(api.every("artists?limit=2"))
    assert first["total"] == len(artists) == len({one["artist_id"] for one in artists}) > 2
    names = [one["sort_name"] for one in artists]
    assert names == sorted(names)
    assert sum(one["works"] for one in artists) == 30
    rows = list(csv.DictReader(io.StringIO(api.get("artists?format=csv").text)))
    assert [row["name"] for row in rows] == [one["name"] for one in artists]


def test_an_artists_links_lead_to_their_works(api):
    for artist in api.told("artists")["items"]:
        assert len(list(api.every(artist["links"]["works"]))) == artist["works"]
        assert api.told(artist["links"]["search"])["results"]
        told = api.told(artist["links"]["url"])
        assert (told["works"], told["outright"]) == (artist["works"], artist["works"])


def test_artists_by_a_part_of_their_name(api):
    name = api.told("artists")["items"][0]["name"]
    found = api.told(f"artists?name={name[1:5].upper()}")
    assert name in [one["name"] for one in found["items"]]
    assert api.told("artists?name=%25")["total"] == 0
    assert api.told("artists?name=_")["total"] == 0


def test_artists_of_works_under_a_filter(api, catalogue):
    work = catalogue.first_work()
    catalogue.change(work, medium="Tempera")
    (artist,) = api.told("artists?q=medium:tempera")["items"]
    assert artist["works"] == 1
    assert artist["name"] == api.told(f"works/{work}")["credits"][0]["name"]


def test_what_cannot_be_asked_of_artists(api):
    api.refused("artists/999999", 404, "unknown_artist")
    api.refused("artists?after=999999", 400, "bad_cursor")
    api.refused("artists?name=", 400, "bad_parameter")
    api.refused("artists?limit=201", 400, "bad_parameter")
    api.refused("artists?q=nothing:x", 400, "unknown_filter")
