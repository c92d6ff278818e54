import pytest

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata.described import Picture
from stylesearch.ingest.metadata.lido import read_lido
from stylesearch.ingest.metadata.xml import parse

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
HEAD = (
    '<lido:lidoWrap xmlns:lido="http://www.lido-schema.org" xmlns:skos="http://www.w3.org/2004/02/skos/core#"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><lido:lido>'
)
FULL = """
<lido:lidoRecID lido:type="local">rec7</lido:lidoRecID>
<lido:descriptiveMetadata xml:lang="de">
 <lido:objectClassificationWrap>
  <lido:objectWorkTypeWrap><lido:objectWorkType>
   <lido:conceptID>http://vocab.getty.edu/aat/300033973</lido:conceptID>
   <lido:term lido:pref="preferred">Zeichnung</lido:term><lido:term lido:pref="alternate">Handzeichnung</lido:term>
  </lido:objectWorkType></lido:objectWorkTypeWrap>
  <lido:classificationWrap>
   <lido:classification lido:type="style"><lido:term>Realismus</lido:term></lido:classification>
   <lido:classification lido:type="Epoche"><lido:term>Kaiserzeit</lido:term></lido:classification>
   <lido:classification><lido:term>Grafik</lido:term></lido:classification>
  </lido:classificationWrap>
 </lido:objectClassificationWrap>
 <lido:objectIdentificationWrap>
  <lido:titleWrap><lido:titleSet>
   <lido:appellationValue lido:pref="alternate">Stadel</lido:appellationValue>
   <lido:appellationValue lido:pref="preferred">Scheune</lido:appellationValue>
  </lido:titleSet></lido:titleWrap>
  <lido:repositoryWrap><lido:repositorySet><lido:workID>INV 7</lido:workID></lido:repositorySet></lido:repositoryWrap>
  <lido:objectDescriptionWrap><lido:objectDescriptionSet>
   <lido:descriptiveNoteValue>Rot, im Schnee.</lido:descriptiveNoteValue>
  </lido:objectDescriptionSet></lido:objectDescriptionWrap>
 </lido:objectIdentificationWrap>
 <lido:eventWrap>
  <lido:eventSet><lido:event>
   <lido:eventType><lido:term>Erwerb</lido:term></lido:eventType>
   <lido:eventActor><lido:actorInRole><lido:actor><lido:nameActorSet>
    <lido:appellationValue>A Dealer</lido:appellationValue></lido:nameActorSet></lido:actor></lido:actorInRole></lido:eventActor>
   <lido:eventDate><lido:displayDate>1950</lido:displayDate></lido:eventDate>
  </lido:event></lido:eventSet>
  <lido:eventSet><lido:event>
   <lido:eventType><lido:conceptID>http://terminology.lido-schema.org/lido00007</lido:conceptID>
    <lido:term>Herstellung</lido:term></lido:eventType>
   <lido:eventActor><lido:actorInRole><lido:actor lido:type="person">
     <lido:actorID lido:type="URI" lido:source="GND">https://d-nb.info/gnd/1</lido:actorID>
     <lido:actorID lido:type="local" lido:source="ULAN">500011051</lido:actorID>
     <lido:actorID lido:type="URI">http://www.wikidata.org/entity/Q42</lido:actorID>
     <lido:nameActorSet>
      <lido:appellationValue lido:pref="preferred">Lee, Ann</lido:appellationValue>
      <lido:appellationValue lido:pref="alternate">A. Lee</lido:appellationValue>
     </lido:nameActorSet></lido:actor>
    <lido:roleActor><lido:term>Zeichner</lido:term></lido:roleActor>
    <lido:attributionQualifierActor>Umkreis</lido:attributionQualifierActor>
   </lido:actorInRole></lido:eventActor>
   <lido:eventDate><lido:displayDate>Ende 19. Jh.</lido:displayDate>
    <lido:date><lido:earliestDate>1880</lido:earliestDate><lido:latestDate>1900-12-31</lido:latestDate></lido:date>
   </lido:eventDate>
   <lido:periodName><lido:term>Gründerzeit</lido:term></lido:periodName>
   <lido:eventMaterialsTech><lido:displayMaterialsTech>Tusche auf Papier</lido:displayMaterialsTech></lido:eventMaterialsTech>
  </lido:event></lido:eventSet>
 </lido:eventWrap>
 <lido:objectRelationWrap><lido:subjectWrap><lido:subjectSet><lido:subject>
  <lido:subjectConcept><lido:term>Schnee</lido:term></lido:subjectConcept></lido:subject></lido:subjectSet>
 </lido:subjectWrap></lido:objectRelationWrap>
</lido:descriptiveMetadata>
<lido:administrativeMetadata xml:lang="de">
 <lido:rightsWorkWrap><lido:rightsWorkSet>
  <lido:rightsType><lido:conceptID>http://rightsstatements.org/vocab/InC/1.0/</lido:conceptID></lido:rightsType>
  <lido:rightsHolder><lido:legalBodyName><lido:appellationValue>Heirs</lido:appellationValue></lido:legalBodyName></lido:rightsHolder>
 </lido:rightsWorkSet></lido:rightsWorkWrap>
 <lido:recordWrap><lido:recordID>7</lido:recordID>
  <lido:recordSource><lido:legalBodyName><lido:appellationValue>City Museum</lido:appellationValue></lido:legalBodyName></lido:recordSource>
  <lido:recordInfoSet><lido:recordInfoLink>https://example.org/works/7</lido:recordInfoLink></lido:recordInfoSet>
 </lido:recordWrap>
 <lido:resourceWrap><lido:resourceSet>
  <lido:resourceRepresentation lido:type="image_thumb"><lido:linkResource>https://e.org/t.jpg</lido:linkResource></lido:resourceRepresentation>
  <lido:resourceRepresentation lido:type="image_master"><lido:linkResource lido:formatResource="image/tiff">https://e.org/m.tif</lido:linkResource></lido:resourceRepresentation>
  <lido:resourceRepresentation lido:type="http://terminology.lido-schema.org/image_overview"><lido:linkResource lido:formatResource="image/jpeg">https://e.org/o.jpg</lido:linkResource></lido:resourceRepresentation>
  <lido:rightsResource>
   <lido:rightsType><skos:Concept rdf:about="http://creativecommons.org/publicdomain/zero/1.0/"><skos:prefLabel>CC0</skos:prefLabel></skos:Concept></lido:rightsType>
   <lido:creditLine>Foto: A. Smith</lido:creditLine></lido:rightsResource>
 </lido:resourceSet></lido:resourceWrap>
</lido:administrativeMetadata>
"""


def read(inner: str, **options):
    return read_lido(parse(f"{HEAD}{inner}</lido:lido></lido:lidoWrap>".encode()), **options)


def test_a_full_record():
    described = read(FULL)
    assert described.record == WorkRecord(
        title="Scheune",
        description="Rot, im Schnee.",
        credits=(
            Credit(
                "Lee, Ann", qualifier="circle of", aliases=("A. Lee",), ulan_id="500011051", wikidata_id="Q42"
            ),
        ),
        date_text="Ende 19. Jh.",
        year_from=1880,
        year_to=1900,
        medium="Tusche auf Papier",
        movement="Realismus",
        period="Kaiserzeit, Gründerzeit",
        object_type="Zeichnung",
        keywords=("schnee", "grafik"),
        source_url="https://example.org/works/7",
        work_rights="http://rightsstatements.org/vocab/InC/1.0/",
        image_rights=CC0,
        credit_line="Foto: A. Smith",
        extra={
            "workID": "INV 7",
            "rights_holder": "Heirs",
            "provider": "City Museum",
            "identifier": "rec7",
            "other_titles": ["Stadel"],
        },
    )
    assert described.pictures == (Picture("https://e.org/o.jpg"),)


def test_the_root_may_be_the_object_itself():
    bare = f"{HEAD}{FULL}</lido:lido></lido:lidoWrap>"
    root = parse(bare.encode())
    assert read_lido(root[0]) == read_lido(root)


def actor(name: str, qualifier: str = "") -> str:
    return (
        "<lido:eventActor><lido:actorInRole><lido:actor><lido:nameActorSet><lido:appellationValue>"
        f"{name}</lido:appellationValue></lido:nameActorSet></lido:actor>{qualifier}</lido:actorInRole></lido:eventActor>"
    )


def event(kind: str, inner: str) -> str:
    return f"<lido:eventSet><lido:event><lido:eventType><lido:term>{kind}</lido:term></lido:eventType>{inner}</lido:event></lido:eventSet>"


def described(*events: str) -> str:
    return f"<lido:descriptiveMetadata><lido:eventWrap>{''.join(events)}</lido:eventWrap></lido:descriptiveMetadata>"


@pytest.mark.parametrize(
    ("given", "qualifier"),
    [
        ("attributed to", "attributed to"),
        ("Werkstatt", "workshop of"),
        ("d'après", "after"),
        ("entourage", "circle of"),
    ],
)
def test_qualifiers(given, qualifier):
    said = f"<lido:attributionQualifierActor><lido:term>{given}</lido:term></lido:attributionQualifierActor>"
    assert read(described(event("Production", actor("Ann", said)))).record.credits == (
        Credit("Ann", qualifier=qualifier),
    )


def test_an_unknown_qualifier_is_kept_beside():
    said = "<lido:attributionQualifierActor>sort of</lido:attributionQualifierActor>"
    record = read(described(event("Production", actor("Ann", said)))).record
    assert (record.credits, record.extra["qualifier"]) == ((Credit("Ann"),), "sort of")


def test_who_owned_it_did_not_make_it():
    record = read(described(event("Provenance", actor("Owner")), event("Production", actor("Ann")))).record
    assert record.credits == (Credit("Ann"),)


def test_events_of_which_none_is_a_production():
    record = read(described(event("Erfindung", actor("Ann")), event("Fund", actor("Bo")))).record
    assert record.credits == (Credit("Ann"),)


def test_text_where_no_actor_is_spelt_out():
    inner = (
        "<lido:eventActor><lido:displayActorInRole>nach Ann Lee</lido:displayActorInRole></lido:eventActor>"
    )
    assert read(described(event("Production", inner))).record.credits == (
        Credit("Ann Lee", qualifier="after"),
    )


def test_one_language_of_several():
    both = "".join(
        f'<lido:descriptiveMetadata xml:lang="{tag}"><lido:titleWrap><lido:titleSet><lido:appellationValue>{title}'
        "</lido:appellationValue></lido:titleSet></lido:titleWrap></lido:descriptiveMetadata>"
        for tag, title in (("de", "Scheune"), ("en", "Barn"))
    )
    assert read(both).record.title == "Barn"
    assert read(both, languages=("de",)).record.title == "Scheune"
    assert read(both, languages=("nl",)).record.title == "Scheune"


def test_an_empty_object_is_empty():
    assert read("").record == WorkRecord()
    assert read("").pictures == ()
