#!/usr/bin/env php
<?php
// A complete till in PHP 7.4 and later with the curl extension: php till.php ID AMOUNT CURRENCY [TICKET], such as
// T1-000123 12850 HKD 88211.
//
// It speaks HTTP over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid, 2 not known.
// ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
// after a crash. Start this program again with the same arguments and it tells, without charging again.

const NOT_OPENED = ['invalid_request', 'unknown_lane', 'lane_busy', 'code_used']; // refused: nothing was charged
const NO_ANSWER = [503, ['detail' => 'No answer.', 'code' => '']];

function ask(string $method, string $path, ?array $body = null): array
{
    $c = curl_init('http://localhost' . $path);
    curl_setopt_array($c, [
        CURLOPT_UNIX_SOCKET_PATH => getenv('CPMD_SOCKET') ?: '/run/cpmd/till.sock',
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 40, // longer than the longest wait below
    ]);
    if ($body !== null) {
        curl_setopt($c, CURLOPT_POSTFIELDS, json_encode($body));
        curl_setopt($c, CURLOPT_HTTPHEADER, ['Content-Type: application/json']);
    }
    $text = curl_exec($c);
    $status = curl_getinfo($c, CURLINFO_RESPONSE_CODE);
    curl_close($c);
    $answer = $text === false ? null : json_decode($text, true);
    return is_array($answer) ? [$status, $answer] : NO_ANSWER;
}

/** Returns "paid", "not_paid" or "unknown". */
function collect(string $id, int $amount, string $currency, string $ticket): string
{
    $sale = null;
    $giveUp = time() + 180;
    while (time() < $giveUp) {
        [$status, $answer] = $sale === null
            // The same again, as often as it takes: it never opens a second sale.
            ? ask('PUT', "/v1/sales/$id", ['amount' => $amount, 'currency' => $currency, 'ticket' => $ticket])
            : ask('GET', "/v1/sales/$id?wait=25s&after={$sale['seq']}");
        if ($status >= 500) {
            echo $answer['detail'], " Asking again.\n";
            sleep(1);
            continue;
        }
        if ($status >= 400) {
            echo $answer['detail'], "\n";
            return $sale === null && in_array($answer['code'], NOT_OPENED, true) ? 'not_paid' : 'unknown';
        }
        $giveUp = time() + 180;
        if ($sale === null || $answer['seq'] > $sale['seq']) {
            echo $answer['message'], "\n";
        }
        $sale = $answer;
        if ($sale['final']) {
            return $sale['state'];
        }
        if ($sale['state'] === 'unresolved') {
            return 'unknown';
        }
    }
    return 'unknown';
}

$outcome = collect($argv[1], (int) $argv[2], $argv[3], $argv[4] ?? '');
echo ['paid' => 'PAID', 'not_paid' => 'NOT PAID', 'unknown' => 'NOT KNOWN: do not charge again, ask later'][$outcome], "\n";
exit(['paid' => 0, 'not_paid' => 1, 'unknown' => 2][$outcome]);
