use super::*;

#[tokio::test]
async fn a_player_has_so_many_seats_and_who_leaves_makes_room() {
    let players = Players::new(2);
    let [ann, bob] = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
    let first = players.sit(&ann).await.unwrap();
    let second = players.sit(&ann).await.unwrap();
    assert_eq!(players.sit(&ann).await.unwrap_err(), NoSeat::TooMany { max: 2 });
    let bobs = players.sit(&bob).await.unwrap();
    drop(first);
    let third = players.sit(&ann).await.unwrap();
    assert!(players.sit(&ann).await.is_err());
    drop((second, third, bobs));
    assert!(lock(&players.seats).is_empty(), "nobody who left is remembered");
}
