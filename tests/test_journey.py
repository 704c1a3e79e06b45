"""The way of one answer, from a page to the feed and into a number."""


def test_a_score_travels_from_a_page_to_the_feed_and_into_a_number(world, api, make, client):
    survey = api.post("/api/surveys", {"name": "Shop", "metric": "nps", "product": "Acme"})
    body = make.answer(survey["id"], score=3, edit_key="0" * 32)
    assert client.post("/r", json=body).status_code == 201
    comment = {**body, "revision": 2, "comment": "The checkout is slow and terrible"}
    assert client.post("/r", json=comment).status_code == 200
    item = api.get("/api/feed", q="checkout")["items"][0]
    assert (item["score"], item["group"], item["sentiment"]) == (3, "detractor", None)
    world.work()
    item = api.get("/api/feed", sentiment="negative")["items"][0]
    assert item["comment"] == "The checkout is slow and terrible"
    number = api.get("/api/metrics", survey=survey["id"])
    assert (number["n"], number["value"], number["counts"]["detractor"]) == (1, -100.0, 1)
