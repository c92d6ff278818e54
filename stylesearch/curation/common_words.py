"""Words that a tag should not be without somebody having looked: too common, or as often something else."""

from __future__ import annotations

_STOP = """
    a about after all an and any are art arts artist artwork as at author be black blue book by c ca canvas card cc century
    circa clip clipart color color design detail digital drawing drawings e edition en et etc figure film fine for from
    gallery green group he her his i icon illustration image images in it its la large le light line los man mit modern museum my
    new no not of old on one or original other painting paintings paper part photo photograph photography picture pictures
    portrait print prints red scene school set she sign signed size small study style the their this title to two und unknown
    untitled von van various vector view vintage was white with woman work works world year you
    das de del den der des di die du ein eine el il im les met op per pour sur un una une voor zu zum zur
"""

STOP = frozenset(_STOP.split())
"""Never taken for a tag by themselves, whatever its kind: in captions they mean nothing, or everything."""

_AMBIGUOUS = """
    april august autumn december february friday january july june march may monday november october saturday september spring
    summer sunday thursday tuesday wednesday winter
    amber apple ash bear beech berry birch bird blossom brook brooks bush cherry clay cliff clover coral crane crow daisy dawn
    dean dove fawn fern field fields finch fir flint flower ford forest fox frost garden glen grant grove hart hawk heather
    heath hazel hill hills holly iris island ivy jade jasmine lake lamb lane laurel leaf lily lion marsh meadow moon moss
    oak olive orchid park pearl peach pine plum pond poppy rain raven reed ridge river robin rock rose rosemary ruby sage sand
    shell sky snow star stone storm swan sun thorn tree violet west wolf wood woods wren
    angel baker banks barber bell best bishop bond boss boyle brown butcher butler carpenter carter chance chase church
    close cloud cole cook cooper cross crown day destiny diamond dragon draper duke earl east english faith farmer fisher
    ford france freedom french friend frank gay gentle glass golden good gold grace gray grey guest hall hand hardy harmony
    head holiday hope hunt hunter joy judge justice key king knight law lawless little lock long lord love lucky major mason
    melody mercy merry mill miller minor noble norman north page painter palmer parish parker patience penny pepper piper pitt
    pool pope potter power price pride prince prophet queen rich richer rivers roman royal rush rust sale saint savage scott
    sharp shepherd silver singer skinner small smith song south spencer steel stock street strong summers swift tailor temple
    turner victory wall walker ward washer weaver webb wells wheeler wild wilder wise worth wright young
    ada adam alba alice amy andrea ann anna anne art arthur basil bill bob carol charles charlotte christian clara claire
    claude daniel david diana dick don dora edward elizabeth ella emily emma eve frances george gene grace guy harry helen henry
    jack jacob james jane jean jerry jill jim joan john joseph june kate kay laura leo linda lisa louis lucy luke marc maria
    marina mark mary matt matthew max michael mike miles nick noel olivia oscar pat patrick paul peter philip ray rich rob
    robert roger ronald ruth sam sandy simon sophia stella stephen steve susan sydney thomas tim tom tony ursula valentine
    venus vera victor victoria vincent virginia walter will william
"""

AMBIGUOUS = frozenset(_AMBIGUOUS.split())
"""As often a plain word, a month, a place or anybody's first name as they are an artist: "Rose", "May", "Turner"."""
